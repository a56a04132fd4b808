import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { generateSync } from 'otplib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Finding } from '../../src/doctor/finding.ts'
import { SCOPES } from '../../src/domain/scope.ts'
import { ask } from '../http/ask.ts'
import { FormClient, headingOf } from '../http/form-client.ts'
import type { Installation, Sections } from '../real/broker.ts'
import { awayFromTheEdge } from '../real/code-step.ts'
import { temporaryFolder } from '../real/folder.ts'
import { freePort } from '../real/free-port.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople, type TestPerson } from '../real/people.ts'
import { POSTGRES_NEEDS, startPostgres } from '../real/postgres.ts'
import { installOnPostgres } from '../real/postgres-broker.ts'
import type { Place } from '../real/process.ts'
import { startRedis } from '../real/redis.ts'
import { FAKETIME, type SteppedClock, steppedClock } from '../real/stepped-clock.ts'

const PASSWORD = 'a passphrase of the tests'
const SKEW_MS = 5000
const reason = 'the tests say so'

type Site = Installation & {
  readonly url: string
  /** Serves by these sections in place of the first ones. */
  serveBy(more: Sections): void
}
/** Makes a change at the broker whose clock is right. */
type Change = (name: string, person: TestPerson) => Promise<unknown>

describeWith(
  [...POSTGRES_NEEDS, 'redis-server', FAKETIME],
  'a browser that is signed in at a broker whose clock is wrong',
  () => {
    const resources = new AsyncDisposableStack()
    let clock: SteppedClock
    /** The one with the right clock. */
    let here: Site
    let there: Site
    let token: string
    let desk: FormClient
    let made = 0

    beforeAll(async () => {
      const folder = temporaryFolder('two-clocks')
      resources.defer(folder.remove)
      clock = steppedClock(folder)
      const redis = await startRedis()
      resources.defer(redis.stop)
      const postgres = await startPostgres()
      resources.defer(postgres.stop)
      const url = await postgres.newDatabase()
      const start = async (place?: Place): Promise<Site> => {
        const port = await freePort()
        const sections = {
          redis: { url: `redis://127.0.0.1:${redis.port}`, brokers: 2 },
          limits: { user: '100000/1s', address: '100000/1s', gateway: '100000/1s' },
          http: { port, roles: { admin: ['admins'] } },
        }
        const installation = await installOnPostgres({ url, place, sections })
        resources.defer(installation.remove)
        const running = await installation.serve()
        resources.defer(running.stop)
        const serveBy = (more: Sections) => {
          const storage = { postgres: { url_file: 'postgres.url' }, key_file: 'seed.key' }
          installation.configure({ ...sections, storage, ...more })
          running.process.signal('SIGHUP')
        }
        return { ...installation, url: `http://127.0.0.1:${port}`, serveBy }
      }
      here = await start()
      there = await start(clock.place)
      const created = await here.ocbroker(['token', 'create', '--name', 'tests', '--scope', ...SCOPES])
      token = (created as { token: string }).token
      const [boss] = await addPeople(here, [{ name: 'boss', password: PASSWORD, groups: ['admins'] }])
      if (boss === undefined) throw new Error('nobody was added')
      desk = await signIn(here, boss)
    })
    afterAll(() => resources.disposeAsync())

    /** @param steps how much later than now the app shows that code. */
    async function signIn({ url }: Site, { name, key }: TestPerson, steps = 0): Promise<FormClient> {
      const client = new FormClient(url)
      await client.get('/')
      await client.post('/sign-in', { name, password: PASSWORD })
      await awayFromTheEdge(SKEW_MS + 3000)
      const epoch = Math.floor(Date.now() / 1000) + steps * 30
      const page = await client.post('/code', { code: generateSync({ secret: key, epoch }) })
      expect(headingOf(page)).toBe('Your account')
      return client
    }

    const headings = async (client: FormClient) => {
      const atBoth = [here, there].map(async ({ url }) => {
        const elsewhere = new FormClient(url)
        elsewhere.takeCookie(client.cookie)
        return headingOf(await elsewhere.get('/'))
      })
      return Promise.all(atBoth)
    }
    const api = async (method: string, path: string, json?: object) => {
      const { status, text } = await ask(`${here.url}/api/v1${path}`, { token, method, json })
      if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`)
    }
    const post = async (path: string, fields: Readonly<Record<string, string>>) => {
      await desk.get('/desk')
      const { status, text } = await desk.postOnly(path, fields)
      if (status !== 303) throw new Error(`${path}: ${status} ${text}`)
    }

    const CHANGES: Readonly<Record<string, Change>> = {
      'the command user disable': (name) => here.ocbroker(['user', 'disable', name]),
      'the command user passwd': (name) =>
        here.ocbroker(['user', 'passwd', name, '--password-stdin'], {
          input: 'another passphrase of theirs\n',
        }),
      'the command user remove': (name) => here.ocbroker(['user', 'remove', name]),
      'the command totp enrol': (name) => here.ocbroker(['totp', 'enrol', name, '--replace']),
      'the API that disables the user': (name) => api('PATCH', `/users/${name}`, { enabled: false, reason }),
      'the API that sets an end': (name) =>
        api('PATCH', `/users/${name}`, { expiresAt: '2020-01-01T00:00:00Z', reason }),
      'the API that sets a password': (name) =>
        api('PATCH', `/users/${name}`, { password: 'another passphrase of theirs', reason }),
      'the API that locks the user': (user) => api('POST', '/lockouts', { scope: 'user', user, reason }),
      'the API that revokes the authenticator': (name) =>
        api('POST', `/enrolments/${name}/revoke`, { reason }),
      'the desk that locks the user': (user) => post('/desk/lock', { scope: 'user', user, reason }),
      'the desk that revokes the authenticator': (name) =>
        post('/desk/users/revoke', { name, subject: name, reason }),
      'the user, who signs out everywhere': async (_name, person) => {
        const other = await signIn(here, person, 1)
        await other.get('/')
        await other.post('/sign-out-everywhere')
      },
    }

    describe.each([SKEW_MS, -SKEW_MS])('by %i ms', (skew) => {
      beforeAll(() => clock.step(skew))

      test.each(Object.keys(CHANGES))('is signed out at its next request by %s', async (what) => {
        const name = `user${made++}`
        const [person] = await addPeople(here, [{ name, password: PASSWORD }])
        if (person === undefined) throw new Error('nobody was added')
        const client = await signIn(there, person)
        expect(await headings(client)).toEqual(['Your account', 'Your account'])
        await CHANGES[what]?.(name, person)
        expect(await headings(client)).toEqual(['Sign in', 'Sign in'])
      })
    })

    describe('is found by doctor', () => {
      const POOLS = { one: { ipv4: '10.9.0.0/24' } }
      const found = async () => {
        const { stdout } = await here.run(['doctor', '--json', '--only', 'brokers', 'server-clocks'])
        const { findings } = JSON.parse(stdout) as { findings: readonly Finding[] }
        return findings.map(({ verdict, cause }) => `${verdict}: ${cause}`)
      }
      const WITHIN = { timeout: 30_000 }

      test.each([
        [
          'a clock',
          94_000,
          {},
          ['fault: has a clock 94 s ahead of the one here: one of the two refuses right codes'],
        ],
        ['nothing', 0, {}, [expect.stringMatching(/^ok: agree: /)]],
        [
          'other policies',
          0,
          { policies: [{ name: 'others', reply: {} }] },
          ['warning: has other policies on the same records: what a user gets depends on the broker'],
        ],
        [
          'other pools',
          0,
          { pools: POOLS },
          [expect.stringMatching(/^fault: has other pools on the same records/)],
        ],
      ])('%s', async (_, ms, sections, expected) => {
        clock.step(ms)
        there.serveBy(sections)
        await expect.poll(found, WITHIN).toEqual(expected)
      })

      test('another key file, while a key that both have opens what either seals', async () => {
        const other = `k2:${Buffer.alloc(32, 8).toString('base64')}`
        const known = readFileSync(there.keyFile, 'utf8')
        writeFileSync(there.keyFile, `${other}\n${known}`)
        there.serveBy({})
        await expect.poll(found, WITHIN).toEqual([expect.stringMatching(/^fault: has another key file/)])
        writeFileSync(there.keyFile, `${known}${other}\n`)
        there.serveBy({})
        await expect.poll(found, WITHIN).toEqual([expect.stringMatching(/^ok: agree: /)])
      })

      test('files that the broker here does not serve by yet', async () => {
        appendFileSync(here.keyFile, `k3:${Buffer.alloc(32, 9).toString('base64')}\n`)
        await expect.poll(found, WITHIN).toContainEqual(expect.stringMatching(/^hint: serves by other/))
      })
    })
  },
)
