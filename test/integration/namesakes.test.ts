import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask } from '../http/ask.ts'
import { FormClient, headingOf } from '../http/form-client.ts'
import { type Broker, startBroker } from '../real/broker.ts'
import { freePort } from '../real/free-port.ts'
import { describeWith } from '../real/needs.ts'
import { outputOf, thisMachine } from '../real/process.ts'
import { ADMIN, ADMIN_PASSWORD, PEOPLE, person, SLAPD_NEEDS, startSlapd } from '../real/slapd.ts'

const PASSWORD = 'a passphrase of the tests'
const reason = 'the tests say so'
const SHARED = /names of local users: \d+ also belong to users of other identity stores: /

interface TokenMade {
  readonly token: string
}

describeWith(SLAPD_NEEDS, 'a local user with the name of a directory user', () => {
  const resources = new AsyncDisposableStack()
  let broker: Broker
  let url: string
  let made = 0

  beforeAll(async () => {
    const slapd = await startSlapd({
      entries: ['dora', 'emil', 'fay', 'gus'].map((name) => person(name, PASSWORD)),
    })
    resources.defer(slapd.stop)
    const port = await freePort()
    url = `http://127.0.0.1:${port}`
    const corp = {
      type: 'ldap',
      urls: [slapd.url],
      bind_dn: ADMIN,
      bind_password: ADMIN_PASSWORD,
      user_base: PEOPLE,
    }
    broker = await startBroker({ sections: { http: { port }, identity: { order: ['local', 'corp'], corp } } })
    resources.defer(broker.stop)
  })

  afterAll(() => resources.disposeAsync())

  const tokenFor = async (...scopes: string[]) =>
    ((await broker.ocbroker(['token', 'create', '--name', `t${made++}`, '--scope', ...scopes])) as TokenMade)
      .token

  /** What belongs to the directory user. */
  async function enrolmentOf(name: string, token: string) {
    const { items } = (await ask(`${url}/api/v1/enrolments?limit=100`, { token })).json as unknown as {
      readonly items: readonly { readonly id: string; readonly subject: string }[]
    }
    return items.find(({ subject }) => subject === name)
  }

  const asked = { input: `${PASSWORD}\n` }

  test.each(['dora', 'emil'])(
    'is warned about, named by doctor, and takes nothing of %s along',
    async (name) => {
      const isByCommand = name === 'dora'
      const token = await tokenFor('users:write', 'users:read', 'enrolments:read', 'enrolments:write')
      await broker.ocbroker(['totp', 'enrol', name])
      const { code } = (await broker.ocbroker(['invite', name])) as { readonly code: string }
      const before = await enrolmentOf(name, token)
      expect(before).toMatchObject({ recoveryCodesLeft: 10 })

      if (isByCommand) {
        const { stdout } = await broker.run(['user', 'add', name, '--password-stdin'], asked)
        expect(stdout).toContain('Warning: corp has a user of this name too')
      } else {
        const added = await ask(`${url}/api/v1/users`, { token, json: { name, password: PASSWORD, reason } })
        expect(added).toMatchObject({ status: 201, json: { alsoIn: ['corp'] } })
      }
      const { output } = await broker.run(['doctor'])
      expect(output).toMatch(SHARED)
      expect(output).toContain(`${name} (corp)`)
      if (isByCommand) {
        const { stdout } = await broker.run(['user', 'remove', name])
        expect(stdout).toContain('An authenticator under this name is kept: it may belong to corp.')
      } else {
        const path = `${url}/api/v1/users/${name}?reason=gone`
        expect((await ask(path, { token, method: 'DELETE' })).status).toBe(204)
      }

      expect(await enrolmentOf(name, token)).toEqual(before)
      expect((await broker.run(['doctor'])).output).not.toContain(`${name} (corp)`)
      const events = (await broker.ocbroker(['audit', '--user', name])) as readonly {
        readonly kind: string
      }[]
      expect(events.map(({ kind }) => kind)).not.toContain('enrolment.revoked')
      const client = new FormClient(url)
      await client.get('/enrol')
      const page = await client.post('/enrol/code', { name, code })
      expect(headingOf(page)).toBe('Connect your authenticator app')
    },
  )

  test('is warned about when imported', async () => {
    const file = broker.folder.file('ocpasswd')
    const hash = await outputOf(thisMachine, 'openssl', ['passwd', '-6', PASSWORD])
    writeFileSync(file, `fay:*:${hash.trim()}\n`)
    const { stdout } = await broker.run(['user', 'import', file, '--format', 'ocpasswd'])
    expect(stdout).toContain('1 also belong to users of other identity stores: fay (corp)')
    expect(stdout).toContain('Imported 1 user.')
  })
})
