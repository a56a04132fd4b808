import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newRecoveryCode, recoveryCodeHash } from '../../src/domain/enrolment.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { FormClient, headingOf, problemOn } from '../http/form-client.ts'
import { PASSWORD, startTestBroker, type TestBroker } from '../http/test-broker.ts'
import { SoftwareAuthenticator } from '../login/software-authenticator.ts'
import { freePort } from '../real/free-port.ts'

const OWN_FIRST = /Confirm this with a passkey that you have/
const ACCOUNT = 'Your account'

describe('where a passkey gives more than a code', () => {
  const resources = new AsyncDisposableStack()
  let fixture: TestBroker
  let origin: string

  beforeAll(async () => {
    const port = await freePort()
    origin = `http://localhost:${port}`
    const roles = { admin: { groups: ['admins'], require: 'passkey' }, desk: ['helpdesk'] }
    fixture = await startTestBroker(
      { http: { port, roles }, portal: { public_url: origin } },
      (end) => void resources.defer(end),
    )
  })
  afterAll(() => resources.disposeAsync())

  /** Somebody who is signed in by password and code, with more codes at hand. */
  async function signedIn(name: string, groups: readonly string[]) {
    await fixture.addUser(name, groups)
    await fixture.enrol(name)
    const codes = Array.from({ length: 6 }, () => newRecoveryCode(systemRandom))
    const hashes = codes.map((code) => recoveryCodeHash(name, code))
    await fixture.records.enrolments.renewRecoveryCodes(name, hashes)
    const client = new FormClient(origin)
    const code = () => codes.pop() ?? ''
    await client.get('/')
    await client.post('/sign-in', { name, password: PASSWORD })
    expect(headingOf(await client.post('/code', { code: code() }))).toBe(ACCOUNT)
    const options = async (use: string) =>
      JSON.parse((await client.post('/passkeys/options', { for: use }, { accept: 'application/json' })).text)
    /** Where the step-up has opened the door. */
    async function make(): Promise<SoftwareAuthenticator> {
      const device = new SoftwareAuthenticator(origin)
      const made = await client.post('/passkeys/new', { passkey: device.create(await options('enrol')) })
      expect(headingOf(made)).toBe(ACCOUNT)
      return device
    }
    const prove = async (device: SoftwareAuthenticator) => device.get((await options('step-up')).challenge)
    const list = () => fixture.records.passkeys.list(name)
    return { client, code, make, prove, list }
  }

  test('a code makes the first one, and neither adds to it nor removes it; the passkey does', async () => {
    const { client, code, make, prove, list } = await signedIn('root', ['admins'])
    await client.post('/passkeys/add', { code: code() })
    const device = await make()
    const [{ id = '' } = {}] = await list()
    const spare = code()
    expect(problemOn(await client.post('/passkeys/add', { code: spare }))).toMatch(OWN_FIRST)
    expect((await client.getOnly('/passkeys/new')).headers.location).toBe('/')
    expect((await client.post('/passkeys/options', { for: 'enrol' })).status).toBe(401)
    expect(problemOn(await client.post('/passkeys/remove', { id, code: spare }))).toMatch(OWN_FIRST)
    expect(await list()).toHaveLength(1)
    const asked = await client.get('/passkeys/add')
    expect(asked.text).toMatch(OWN_FIRST)
    expect(asked.text).not.toContain('name="code"')
    await client.post('/passkeys/add', { passkey: await prove(device) })
    await make()
    expect(await list()).toHaveLength(2)
    await client.post('/passkeys/remove', { id, passkey: await prove(device) })
    expect(await list()).toHaveLength(1)
  })

  test('whose role requires none, and whose passkeys are for another address, show a code', async () => {
    const { client, code, make, list } = await signedIn('helper', ['helpdesk'])
    await client.post('/passkeys/add', { code: code() })
    await make()
    await client.post('/passkeys/add', { code: code() })
    await make()
    const [{ id = '' } = {}] = await list()
    await client.post('/passkeys/remove', { id, code: code() })
    expect(await list()).toHaveLength(1)

    const moved = await signedIn('moved', ['admins'])
    await fixture.records.passkeys.add({
      ...{ id: systemRandom.id(), subject: 'moved', name: 'old', credential: 'old', handle: 'AA' },
      ...{ publicKey: 'AA', counter: 0, rpId: 'vpn.example.org', createdAt: Date.now() },
    })
    await moved.client.post('/passkeys/add', { code: moved.code() })
    await moved.make()
    expect(await moved.list()).toHaveLength(2)
  })
})
