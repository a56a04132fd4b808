import { writeFileSync } from 'node:fs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { startBroker } from '../../src/app/broker.ts'
import { replyRules } from '../../src/app/reply-rules.ts'
import { openStore } from '../../src/app/storage.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { IdentityProvider } from '../../src/domain/identity-provider.ts'
import { SYSTEM_RUNTIME } from '../../src/domain/runtime.ts'
import { PROVIDER_TYPES } from '../../src/identity/registry.ts'
import type { ProviderType } from '../../src/schema/provider-type.ts'
import { duration, filePath, secret } from '../../src/schema/scalars.ts'
import { temporaryFolder } from '../real/folder.ts'
import { ask, loginRequest } from '../real/radius-socket.ts'

const GATEWAY_SECRET = 'between-gateway-and-broker'

const schema = z.strictObject({
  user: z.string(),
  password: secret().optional(),
  password_file: filePath().optional(),
  list_file: filePath().optional(),
  delay: duration({ min: '0s', max: '1s' }).default(0),
})

/** An identity store with one user, as another project might add it. */
function oneUserType(seen: { settings?: z.output<typeof schema>; closed: number }) {
  const type: ProviderType<typeof schema.shape> = {
    type: 'one_user',
    schema,
    files: [['list_file']],
    secretFiles: [{ path: ['password_file'] }],
    check(path, report) {
      if (report.at([...path, 'user']) === 'root') report.fault([...path, 'user'], 'must not be root')
    },
    async create(settings, { name }) {
      seen.settings = settings
      const { user, password } = settings
      const account = { groups: ['staff'], attributes: {} }
      const provider: IdentityProvider = {
        name,
        authenticate: async (asked, given) => {
          if (asked !== user) return { kind: 'unknown' }
          return password?.equals(given) === true
            ? { kind: 'right', account }
            : { kind: 'wrong', detail: 'no' }
        },
        lookup: async (asked) => (asked === user ? { kind: 'right', account } : { kind: 'unknown' }),
        checkReady: async () => {},
      }
      const close = async () => {
        seen.closed += 1
      }
      return { provider, close }
    },
  }
  return type
}

describe('a type of identity store that is added to the registry', () => {
  async function fixture(store: Readonly<Record<string, unknown>>) {
    const folder = temporaryFolder('registry')
    onTestFinished(() => folder.remove())
    writeFileSync(folder.file('password'), 'right\n', { mode: 0o600 })
    const sections = {
      radius: { auth_port: 0, acct_port: 0 },
      gateways: [{ name: 'gw1', address: '127.0.0.1', secret: GATEWAY_SECRET }],
      identity: { order: ['local', 'mine'], mine: { type: 'one_user', ...store } },
      second_factor: { required: false },
      policies: [{ name: 'staff', when: { groups: ['staff'] }, reply: {} }],
      storage: { sqlite: 'broker.db', key_file: 'seed.key' },
      log: { file: 'broker.log' },
    }
    writeFileSync(folder.file('broker.yaml'), JSON.stringify(sections), { mode: 0o600 })
    const seen: Parameters<typeof oneUserType>[0] = { closed: 0 }
    const rules = { ...replyRules, providerTypes: [...PROVIDER_TYPES, oneUserType(seen)] }
    const loaded = await loadConfig(folder.file('broker.yaml'), {}, rules)
    return { folder, seen, loaded }
  }

  test('has its settings read and checked, and its users log in', async () => {
    const { folder, seen, loaded } = await fixture({
      user: 'bob',
      password_file: 'password',
      list_file: 'users.txt',
      realms: ['mine.example'],
    })
    if ('faults' in loaded) throw new Error(JSON.stringify(loaded.faults))
    const store = await openStore(loaded.config, SYSTEM_RUNTIME)
    const broker = await startBroker(loaded.config, store, SYSTEM_RUNTIME)
    const port = broker.listening.find(({ service }) => service === 'auth')?.port ?? 0
    const login = async (user: string, password: string) =>
      (await ask(port, loginRequest({ secret: GATEWAY_SECRET, user, password, signed: true })))?.code
    try {
      expect(await login('bob', 'right')).toBe('Access-Accept')
      expect(await login('bob@mine.example', 'right')).toBe('Access-Accept')
      expect(await login('bob', 'wrong')).toBe('Access-Reject')
      expect(await login('eve', 'right')).toBe('Access-Reject')
      expect(seen.settings).toMatchObject({ list_file: folder.file('users.txt'), delay: 0 })
    } finally {
      await broker.stop()
      await store.close()
    }
    expect(seen.closed).toBe(1)
  })

  test('has its faults told with those of the file, and unknown keys with a suggestion', async () => {
    const { loaded } = await fixture({ user: 'root', dely: '1s', password_file: 'nowhere' })
    expect('faults' in loaded && loaded.faults).toMatchObject([
      { path: 'identity.mine.dely', problem: 'unknown key', suggestion: 'did you mean delay?' },
      { path: 'identity.mine.user', problem: 'must not be root' },
      { path: 'identity.mine.password_file', problem: expect.stringContaining('cannot be read') },
    ])
  })

  test('is unknown without it', async () => {
    const { folder } = await fixture({ user: 'bob' })
    const loaded = await loadConfig(folder.file('broker.yaml'), {}, replyRules)
    expect('faults' in loaded && loaded.faults).toMatchObject([
      {
        path: 'identity.mine.type',
        problem: expect.stringContaining('is not one of local, ldap, pam, radius'),
      },
    ])
  })
})
