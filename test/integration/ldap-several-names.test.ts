import { generateSync } from 'otplib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Broker, startBroker } from '../real/broker.ts'
import { describeWith } from '../real/needs.ts'
import { ask, loginRequest, type Reply } from '../real/radius-socket.ts'
import { PEOPLE, person, SLAPD_NEEDS, startSlapd } from '../real/slapd.ts'

const PASSWORD = 'right password'
const NAMES = ['alice', 'asmith', 'ALICE', 'Alice @example.org']

describeWith(SLAPD_NEEDS, 'a user whom the directory knows by several names', () => {
  const resources = new AsyncDisposableStack()
  let broker: Broker
  /** Where the code stands behind the password. */
  let appending: Broker
  let key: string

  beforeAll(async () => {
    const names = { uid: ['asmith', 'alice'], mail: 'alice@example.org' }
    const slapd = await startSlapd({ entries: [person('alice', PASSWORD, names), person('bob', PASSWORD)] })
    resources.defer(slapd.stop)
    const corp = { type: 'ldap', urls: [slapd.url], user_base: PEOPLE, user_attributes: ['uid', 'mail'] }
    broker = await startBroker({
      sections: { second_factor: { required: false }, identity: { order: ['corp'], corp } },
    })
    resources.defer(broker.stop)
    const enrolled = await broker.ocbroker(['totp', 'enrol', 'asmith'])
    expect(enrolled).toMatchObject({ subject: 'alice' })
    key = (enrolled as { key: string }).key
    appending = await startBroker({
      sections: { second_factor: { mode: 'append' }, identity: { order: ['corp'], corp } },
    })
    resources.defer(appending.stop)
  })

  afterAll(() => resources.disposeAsync())

  const login = (user: string, password: string, state?: Buffer): Promise<Reply | undefined> =>
    ask(broker.authPort, loginRequest({ secret: broker.secret, user, password, state }))

  test('has one second factor under all of them', async () => {
    for (const name of NAMES)
      expect(await login(name, PASSWORD), name).toMatchObject({ code: 'Access-Challenge' })
    expect(await login('bob', PASSWORD), 'who has none').toMatchObject({ code: 'Access-Accept' })
    const challenge = await login('asmith', PASSWORD)
    const code = generateSync({ secret: key })
    expect(await login('asmith', code, challenge?.state)).toMatchObject({ code: 'Access-Accept' })
    expect(await broker.ocbroker(['session', 'list'])).toContainEqual(
      expect.objectContaining({ user: 'asmith', subject: 'alice' }),
    )
    const again = await login('alice', PASSWORD)
    expect(await login('alice', code, again?.state), 'spent').toMatchObject({ code: 'Access-Challenge' })
  })

  test('types the code behind the password under all of them', async () => {
    const { key } = (await appending.ocbroker(['totp', 'enrol', 'alice'])) as { key: string }
    const login = (user: string, password: string) =>
      ask(appending.authPort, loginRequest({ secret: appending.secret, user, password }))
    const code = () => generateSync({ secret: key })
    for (const name of NAMES) {
      expect(await login(name, `wrong password${code()}`), name).toMatchObject({ code: 'Access-Reject' })
      expect(await appending.ocbroker(['explain', name])).toMatchObject({ outcome: { kind: 'would_pass' } })
    }
    expect(await login('alice@example.org', PASSWORD + code())).toMatchObject({ code: 'Access-Accept' })
  })

  test('does not get in under one of them with a second realm, which only some stores would overlook', async () => {
    for (const name of ['alice@example.org@y', 'X\\alice@example.org'])
      expect(await login(name, PASSWORD), name).toMatchObject({ code: 'Access-Reject' })
  })

  test('cannot be given a second one under another name', async () => {
    const { code, stderr } = await broker.run(['totp', 'enrol', 'asmith'])
    expect(code).toBe(1)
    expect(stderr).toContain('alice has an authenticator')
    expect(await broker.ocbroker(['explain', 'asmith'])).toMatchObject({ enrolments: [{ subject: 'alice' }] })
  })
})
