import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { Installation } from '../real/broker.ts'
import { makeCertificates } from '../real/certificates.ts'
import { type TemporaryFolder, temporaryFolder } from '../real/folder.ts'
import { describeWith } from '../real/needs.ts'
import { POSTGRES_NEEDS, type Postgres, startPostgres } from '../real/postgres.ts'
import { installOnPostgres } from '../real/postgres-broker.ts'
import { startRecordingProxy } from '../real/recording-proxy.ts'

/** The certificate is for it, and not for 127.0.0.1. */
const NAMED = 'localhost'

describeWith([...POSTGRES_NEEDS, 'openssl'], 'a PostgreSQL with TLS', () => {
  const resources = new AsyncDisposableStack()
  let server: Postgres
  let folder: TemporaryFolder
  let authority: string
  beforeAll(async () => {
    folder = temporaryFolder('postgres-tls')
    resources.defer(folder.remove)
    const { certificate, key, ...made } = await makeCertificates(folder, NAMED)
    authority = made.authority
    const tls = { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') }
    server = await startPostgres({ tls })
    resources.defer(server.stop)
  })
  afterAll(() => resources.disposeAsync())

  async function installed(mode: string, host: string, port = server.port, caFile?: string) {
    const url = new URL(await server.newDatabase())
    Object.assign(url, { hostname: host, port: String(port), search: mode && `?sslmode=${mode}` })
    const postgres = caFile === undefined ? {} : { ca_file: caFile }
    const broker = await installOnPostgres({ url: url.href, postgres })
    onTestFinished(broker.remove)
    return broker
  }

  /** What a command says that cannot use its records. */
  async function refusal(broker: Installation): Promise<string> {
    const { code, stderr } = await broker.run(['user', 'list'])
    expect(code, stderr).toBe(1)
    return stderr
  }

  async function isEncrypted(broker: Installation): Promise<unknown> {
    const running = await broker.serve()
    onTestFinished(running.stop)
    const [session] = await server.ask(
      `select bool_and(ssl) as ssl from pg_stat_ssl join pg_stat_activity using (pid)
       where application_name = 'ocbroker'`,
    )
    await running.stop()
    return session?.ssl
  }

  test('is used in clear with sslmode=disable', async () => {
    expect(await isEncrypted(await installed('disable', NAMED))).toBe(false)
  })

  for (const mode of ['require', 'verify-ca', 'verify-full']) {
    test(`is used with sslmode=${mode} if its certificate is of the named authority and for its name`, async () => {
      expect(await isEncrypted(await installed(mode, NAMED, server.port, authority))).toBe(true)
      expect(await refusal(await installed(mode, '127.0.0.1', server.port, authority))).toContain(
        "IP: 127.0.0.1 is not in the cert's list",
      )
      expect(await refusal(await installed(mode, NAMED))).toMatch(/unable to (verify|get)|self-signed/)
    })
  }

  for (const mode of ['allow', 'prefer']) {
    test(`is not used with sslmode=${mode}, which the refusal names`, async () => {
      const broker = await installed(mode, NAMED, server.port)
      expect(await refusal(broker)).toMatch(
        new RegExp(`storage\\.postgres\\.url_file: .*sslmode=${mode}.*\\n.*sslmode=verify-full`),
      )
    })
  }

  test('beyond loopback and without TLS is warned of at the start, by check and by doctor', async () => {
    const address = ownAddress()
    const proxy = await startRecordingProxy({ target: server.port, address })
    onTestFinished(() => proxy.stop())
    const warning = /names another machine without TLS: an attacker on the network can read/
    for (const mode of ['', 'disable']) {
      const broker = await installed(mode, address, proxy.port)
      const running = await broker.serve()
      onTestFinished(running.stop)
      const { stdout: examined } = await broker.run(['doctor'])
      await running.stop()
      const said = [(await running.process.finished).stderr, (await broker.run(['check'])).stdout, examined]
      for (const words of said) {
        expect(words, mode).toMatch(warning)
        expect(words).toContain('?sslmode=verify-full')
      }
    }
    const here = await installed('disable', NAMED)
    expect((await here.run(['check'])).stdout).not.toMatch(warning)
  })
})

/** An address of this machine that is not loopback. */
function ownAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  const own = addresses.find(({ internal, family }) => !internal && family === 'IPv4')
  return own?.address ?? expect.unreachable('this machine has no address but loopback')
}
