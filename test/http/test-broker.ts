import { readFileSync, writeFileSync } from 'node:fs'
import { generateSync } from 'otplib'
import { expect, onTestFinished } from 'vitest'
import { startBroker } from '../../src/app/broker.ts'
import { replyRules } from '../../src/app/reply-rules.ts'
import { openStore } from '../../src/app/storage.ts'
import { loadConfig } from '../../src/config/load.ts'
import { type ApiToken, newTokenSecret, tokenHash } from '../../src/domain/api-token.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { SYSTEM_RUNTIME } from '../../src/domain/runtime.ts'
import { SCOPES, type Scope } from '../../src/domain/scope.ts'
import { Secret } from '../../src/domain/secret.ts'
import { jsonLog } from '../../src/observe/log.ts'
import { temporaryFolder } from '../real/folder.ts'

export const PASSWORD = 'a-password-that-no-log-may-show'
const SEED = new Secret(Buffer.from('twenty octets of it!'))

/** Sections of broker.yaml, laid over an installation on this machine. */
type Sections = Readonly<Record<string, unknown>>

/**
 * A whole broker in this process, on free ports and records of its own, whose answers are held against the contract.
 * It ends with the test, or with the `defer` that is given.
 */
export async function startTestBroker(
  { http = {}, ...sections }: Sections = {},
  defer: (end: () => Promise<void>) => void = onTestFinished,
) {
  const folder = temporaryFolder('http')
  const written = {
    radius: { auth_port: 0, acct_port: 0 },
    gateways: [{ name: 'gw1', address: '127.0.0.1', secret: 'between-gateway-and-broker' }],
    policies: [{ name: 'everyone', reply: { routes: ['10.0.0.0/8'] } }],
    storage: { sqlite: 'broker.db', key_file: 'seed.key' },
    // Tests ask quickly; those that are about limits set their own.
    limits: { user: '100000/1m', address: '100000/1m', gateway: '100000/1s' },
    http: {
      port: 0,
      limits: { address: '1000000/1m', token: '1000000/1m' },
      roles: { admin: ['admins'], desk: ['helpdesk'], auditor: ['auditors'] },
      ...(http as Sections),
    },
    log: { file: 'broker.log', level: 'debug' },
    ...sections,
  }
  writeFileSync(folder.file('broker.yaml'), JSON.stringify(written), { mode: 0o600 })
  const loaded = await loadConfig(folder.file('broker.yaml'), {}, replyRules)
  if ('faults' in loaded) throw new Error(JSON.stringify(loaded.faults))
  const { config } = loaded
  const runtime = { ...SYSTEM_RUNTIME, log: jsonLog(config.log) }
  const store = await openStore(config, runtime)
  const broker = await startBroker(config, store, runtime, { checkAnswers: true })
  const end = async () => {
    await broker.stop()
    await store.close()
    await folder.remove()
  }
  defer(end)
  const listening = broker.listening.find(({ service }) => service === 'http')
  const scheme = config.http?.tls === undefined ? 'http' : 'https'
  const { records, keys, hashes } = store

  return {
    config,
    folder,
    records,
    port: listening?.port ?? 0,
    url: `${scheme}://127.0.0.1:${listening?.port}`,
    authPort: broker.listening.find(({ service }) => service === 'auth')?.port ?? 0,
    stop: () => broker.stop(),
    /** Everything that was logged before this call: a line is written later than the answer of which it tells. */
    async log(): Promise<string> {
      const end = `tests.read ${systemRandom.id()}`
      runtime.log.info(end)
      const written = () => readFileSync(folder.file('broker.log'), 'utf8')
      await expect.poll(written, { timeout: 10_000 }).toContain(end)
      return written()
    },
    /** Makes a token that may do all of this. */
    async token(scopes: readonly Scope[] = SCOPES, more: Partial<ApiToken> = {}): Promise<string> {
      const secret = newTokenSecret(systemRandom).reveal()
      await records.tokens.add({
        id: systemRandom.id(),
        name: `token-${systemRandom.id()}`,
        hash: tokenHash(secret) ?? '',
        scopes,
        createdAt: Date.now(),
        createdBy: 'tests',
        ...more,
      })
      return secret
    },
    async addUser(name: string, groups: readonly string[] = []): Promise<void> {
      const passwordHash = await hashes.hash(new Secret(PASSWORD))
      await records.users.add({
        name,
        passwordHash,
        enabled: true,
        groups,
        attributes: {},
        createdAt: Date.now(),
      })
    },
    /** @returns the authenticator’s identifier. */
    async enrol(subject: string, createdAt = Date.now()): Promise<string> {
      const shape = { digits: 6, period: 30, algorithm: 'sha1' } as const
      const made = {
        id: systemRandom.id(),
        subject,
        lastStep: -1,
        driftMs: 0,
        createdAt,
        ...shape,
      }
      await records.enrolments.replace({
        enrolment: { ...made, sealedSeed: keys.seal(SEED, subject) },
        recoveryHashes: [],
      })
      return made.id
    },
    code: () => generateSync({ secret: SEED.bytes() }),
  }
}

export type TestBroker = Awaited<ReturnType<typeof startTestBroker>>
