import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { chmodSync, chownSync, renameSync, writeFileSync } from 'node:fs'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { IdentifiedFinding } from '../../src/doctor/run-checks.ts'
import { type Installation, install, type Sections } from '../real/broker.ts'
import { makeCertificates } from '../real/certificates.ts'
import { freePort } from '../real/free-port.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople } from '../real/people.ts'
import { startRedis } from '../real/redis.ts'

interface Checked {
  readonly warnings: readonly { readonly path: string; readonly suggestion?: string }[]
  readonly findings: readonly IdentifiedFinding[]
}

async function installed(sections: Sections): Promise<Installation> {
  const installation = await install({ sections })
  onTestFinished(installation.remove)
  return installation
}

/** What is wrong, with every remedy; the exit code and the words agree with it. */
async function check(installation: Installation, ...options: readonly string[]) {
  const { code, stdout } = await installation.run(['check', '--json', ...options])
  const { warnings, findings } = JSON.parse(stdout) as Checked
  const wrong = findings.filter(({ verdict }) => verdict === 'fault' || verdict === 'warning')
  expect(code).toBe(wrong.some(({ verdict }) => verdict === 'fault') ? 1 : 0)
  for (const { remedy, cause } of wrong) expect(`${cause}: ${remedy}`).not.toMatch(/: (undefined)?$/)
  return [
    ...warnings.map(({ path, suggestion }) => `warning ${path}: ${suggestion}`),
    ...wrong.map(({ id, verdict, about, cause }) => `${verdict} ${id} ${about}: ${cause}`),
  ]
}

describeWith(['openssl', 'redis-server'], 'ocbroker check', () => {
  test('names all that would keep the broker from starting or from being right, and nothing else', async () => {
    const [holder, redis] = [createSocket('udp4'), await startRedis({ password: 'the-right-one' })]
    onTestFinished(redis.stop)
    onTestFinished(() => void holder.close())
    const nothing = await freePort()
    const installation = await installed({})
    holder.bind(installation.authPort, '127.0.0.1')
    await once(holder, 'listening')
    const certificates = await makeCertificates(installation.folder)
    writeFileSync(installation.folder.file('redis.password'), 'another\n', { mode: 0o600 })
    writeFileSync(installation.keyFile, 'k1:too short\n', { mode: 0o600 })
    installation.configure({
      gateways: [
        { name: 'gw', address: '127.0.0.1', secret: installation.secret },
        { name: 'far', address: '192.0.2.0', secret: installation.secret },
      ],
      identity: {
        order: ['local', 'corp'],
        corp: { type: 'ldap', urls: [`ldaps://localhost:${nothing}`], user_base: 'dc=example' },
      },
      http: {
        port: await freePort(),
        tls: { cert_file: certificates.certificate, key_file: `${certificates.authority.slice(0, -3)}key` },
      },
      portal: { public_url: 'https://vpn.example.org' },
      redis: { url: `redis://127.0.0.1:${redis.port}`, password_file: 'redis.password' },
      policies: [{ name: 'staff', reply: { routes: ['10.0.0.0/8'], dns: ['192.0.2.53'] } }],
    })
    const found = await check(installation)
    const expected = [
      /^warning gateways\[1\]\.address: write 192\.0\.2\.0\/24/,
      /^warning policies\[0\]\.reply\.dns\[0\]: add 192\.0\.2\.53\/32/,
      /^warning listening-address radius.address 127.0.0.1: .* no request of gateway far arrives$/,
      /^warning certificate .*localhost\.pem: expires in 1 days/,
      /^warning certificate .*localhost\.pem: is for DNS:localhost, not for vpn\.example\.org$/,
      /^fault certificate .*authority\.key: is not the key of .*localhost\.pem/,
      /^fault records .*seed\.key: .*line 1 is not name:base64 of 32 octets/,
      /^fault redis redis: .*(WRONGPASS|invalid username-password)/,
      /^fault identity identity corp: ldaps:\/\/localhost:\d+: nothing listens there/,
      /^fault ports UDP port \d+: .*\(pid \d+\) holds the port$/,
    ]
    const unexpected = found.filter((said) => !expected.some((each) => each.test(said)))
    expect(unexpected).toEqual([])
    for (const each of expected) expect(found).toContainEqual(expect.stringMatching(each))
    const { stdout } = await installation.run(['check'])
    expect(stdout).toMatch(/broker\.yaml is not sound: 5 faults\.\n$/)
  })

  test('finds nothing wrong before the first start, and while the broker runs', async () => {
    const installation = await installed({})
    expect(await check(installation)).toEqual([])
    const running = await installation.serve()
    onTestFinished(running.stop)
    expect(await check(installation)).toEqual([])
    expect((await installation.run(['check'])).stdout).toMatch(/broker\.yaml is sound\.\n$/)
  })

  test('names a key file that was lost, and one that others can read', async () => {
    const installation = await installed({})
    await addPeople(installation, [{ name: 'alice', password: 'correct horse' }])
    chmodSync(installation.keyFile, 0o644)
    expect(await check(installation)).toEqual([
      expect.stringMatching(/^fault records .*seed\.key: .*open to other users of this machine/),
    ])
    renameSync(installation.keyFile, `${installation.keyFile}.safe`)
    expect(await check(installation)).toEqual([
      expect.stringMatching(/^fault records .*seed\.key: .*is missing, and authenticators in the database/),
    ])
  })
})

describeWith(['root', 'setpriv'], 'ocbroker check --as USER', () => {
  const NOBODY = 65_534

  describe('of nobody', () => {
    test('names each file, each folder on the way, and each port that the account may not use', async () => {
      const installation = await installed({ http: { port: 443 } })
      const { folder, configFile, keyFile, database } = installation
      await addPeople(installation, [{ name: 'alice', password: 'correct horse' }])
      chmodSync(folder.path, 0o700)
      expect(await check(installation, '--as', 'nobody')).toEqual([
        expect.stringMatching(/^fault ports port 443: nobody may not open ports below 1024$/),
        `fault files the configuration: nobody may not enter ${folder.path}`,
      ])
      chmodSync(folder.path, 0o755)
      chownSync(configFile, NOBODY, NOBODY)
      expect(await check(installation, '--as', 'nobody')).toEqual([
        expect.stringMatching(/^fault ports port 443/),
        `fault files storage.key_file: nobody may not read ${keyFile}`,
        `fault files storage.sqlite: nobody may not read ${database}`,
        `fault files storage.sqlite: nobody may not write ${folder.path}`,
      ])
    })

    test('finds nothing wrong where it owns all of it', async () => {
      const installation = await installed({})
      const { folder, configFile } = installation
      for (const path of [folder.path, configFile]) chownSync(path, NOBODY, NOBODY)
      expect(await check(installation, '--as', 'nobody')).toEqual([])
    })
  })

  test('says that there is no such account', async () => {
    const installation = await installed({})
    expect(await installation.run(['check', '--as', 'no-such-account'])).toMatchObject({
      code: 1,
      stderr: '--as: there is no account no-such-account\n',
    })
  })
})
