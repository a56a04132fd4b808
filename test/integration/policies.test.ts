import { writeFileSync } from 'node:fs'
import { generateSync } from 'otplib'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type Broker, install, startBroker } from '../real/broker.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople, type TestPerson } from '../real/people.ts'
import { type Attribute, type RadclientReply, radclient } from '../real/radclient.ts'

const PASSWORD = 'correct horse'
const OFFICE = '198.51.100.7'
const CAFE = '203.0.113.9'
/** As FreeRADIUS reads them. */
const DICTIONARY = `
VENDOR		Acme		32473
BEGIN-VENDOR	Acme
ATTRIBUTE	Acme-Role		1	string
ATTRIBUTE	Acme-Level		2	integer
ATTRIBUTE	Acme-Server		3	ipaddr
VALUE	Acme-Level	Gold	7
END-VENDOR	Acme
# The last of them.

`

const resources = new AsyncDisposableStack()
let broker: Broker
let people: Readonly<Record<string, TestPerson>>

const NAMES = ['ann', 'bea', 'cat', 'dan', 'eve', 'fay', 'gus', 'hal'] as const

beforeAll(async () => {
  const sections = {
    limits: { user: '1000/1m', address: '1000/1m' },
    http: { port: 0, roles: { admin: ['admins'] } },
    policies: [
      {
        name: 'old-clients',
        when: { clients: ['AnyConnect*3.?.*'] },
        deny: { message: { en: 'Your client is too old.', 'zh-CN': '您的客户端版本过旧。' } },
      },
      {
        name: 'not-enrolled',
        when: { enrolled: false },
        deny: { message: 'Set up your app at https://vpn.example/.' },
      },
      { name: 'staff', when: { stores: ['local'] }, trust: '12h', reply: {} },
    ],
  }
  broker = await startBroker({ sections })
  resources.defer(broker.stop)
  const added = await addPeople(broker, [
    ...NAMES.map((name) => ({ name, password: PASSWORD })),
    { name: 'root', password: PASSWORD, groups: ['admins'] },
    { name: 'new', password: PASSWORD, enrolled: false },
  ])
  people = Object.fromEntries(added.map((person) => [person.name, person]))
})

afterAll(() => resources.disposeAsync())

type At = Pick<Broker, 'authPort' | 'secret'>

function send(
  user: string,
  typed: string,
  more: readonly Attribute[],
  at: At = broker,
): Promise<RadclientReply> {
  return radclient({
    kind: 'auth',
    port: at.authPort,
    secret: at.secret,
    timeout: 10,
    attributes: [['User-Name', user], ['User-Password', typed], ...more],
  })
}

const password = (user: string, from: string, client = 'OpenConnect VPN Agent 9.01') =>
  send(user, PASSWORD, [
    ['Calling-Station-Id', from],
    ['Connect-Info', client],
  ])

const codeOf = (user: string) => generateSync({ secret: people[user]?.key ?? '' })

/** With the password and then the code. */
async function fullLogin(user: string, from: string): Promise<void> {
  const asked = await password(user, from)
  expect(asked.code, asked.output).toBe('Access-Challenge')
  const state = asked.attributes.find(([name]) => name === 'State')?.[1] ?? ''
  const more: Attribute[] = [
    ['Calling-Station-Id', from],
    ['State', state],
  ]
  const reply = await send(user, codeOf(user), more)
  expect(reply.code, reply.output).toBe('Access-Accept')
}

interface ListedTrust {
  readonly id: string
  readonly subject: string
  readonly network: string
  readonly uses: number
}

describeWith(['radclient'], 'a policy that refuses', () => {
  test('by what the client says of itself says so in its own words', async () => {
    const { code, attributes } = await password('ann', OFFICE, 'AnyConnect Windows 3.1.05')
    expect(code).toBe('Access-Challenge')
    const state = attributes.find(([name]) => name === 'State')?.[1] ?? ''
    const reply = await send('ann', codeOf('ann'), [
      ['Calling-Station-Id', OFFICE],
      ['Connect-Info', 'AnyConnect Windows 3.1.05'],
      ['State', state],
    ])
    expect(reply.code).toBe('Access-Reject')
    expect(reply.attributes).toContainEqual(['Reply-Message', 'Your client is too old.'])
  })

  test('users without an authenticator tells them what to do, and a wrong password tells nothing', async () => {
    const reply = await password('new', OFFICE)
    expect(reply.code).toBe('Access-Reject')
    expect(reply.attributes).toContainEqual(['Reply-Message', 'Set up your app at https://vpn.example/.'])
    const wrong = await send('new', 'wrong', [['Calling-Station-Id', OFFICE]])
    expect(wrong.attributes).toContainEqual(['Reply-Message', 'Login failed.'])
  })
})

describeWith(['radclient'], 'a user who has shown a code', () => {
  test('needs the password alone from there, and the code from elsewhere', async () => {
    await fullLogin('bea', OFFICE)
    expect(await password('bea', OFFICE)).toMatchObject({ code: 'Access-Accept' })
    expect(await password('bea', CAFE)).toMatchObject({ code: 'Access-Challenge' })
    expect(await send('bea', 'wrong', [['Calling-Station-Id', OFFICE]])).toMatchObject({
      code: 'Access-Reject',
    })
    const trusts = (await broker.ocbroker(['trust', 'list', 'bea'])) as ListedTrust[]
    expect(trusts).toMatchObject([{ subject: 'bea', network: OFFICE, uses: 1 }])
    const events = (await broker.ocbroker(['audit', '--user', 'bea'])) as { reason?: string }[]
    const reasons = events.map(({ reason }) => reason)
    expect(reasons).toEqual(expect.arrayContaining(['trust_made', 'trust_used']))
  })

  test('says nothing by the client’s name: without a trust every client is asked', async () => {
    for (const client of ['OpenConnect VPN Agent 9.01', 'trusted', ''])
      expect(await password('cat', OFFICE, client)).toMatchObject({ code: 'Access-Challenge' })
  })

  test('is asked again after trust revoke', async () => {
    await fullLogin('dan', OFFICE)
    expect(await password('dan', OFFICE)).toMatchObject({ code: 'Access-Accept' })
    const answer = await broker.ocbroker(['trust', 'revoke', 'dan', '--reason', 'stolen'])
    expect(answer).toEqual({ user: 'dan', revoked: 1 })
    expect(await password('dan', OFFICE)).toMatchObject({ code: 'Access-Challenge' })
    expect(await broker.ocbroker(['trust', 'list', 'dan'])).toEqual([])
  })

  test('and after a new password, and after totp revoke', async () => {
    await fullLogin('eve', OFFICE)
    await broker.ocbroker(['user', 'passwd', 'eve', '--password-stdin'], { input: `${PASSWORD}\n` })
    expect(await password('eve', OFFICE)).toMatchObject({ code: 'Access-Challenge' })
    await fullLogin('fay', OFFICE)
    await broker.ocbroker(['totp', 'revoke', 'fay'])
    expect(await password('fay', OFFICE)).toMatchObject({ code: 'Access-Reject' })
  })

  test('and never an administrator', async () => {
    await fullLogin('root', OFFICE)
    expect(await password('root', OFFICE)).toMatchObject({ code: 'Access-Challenge' })
    expect(await broker.ocbroker(['trust', 'list', 'root'])).toEqual([])
  })
})

describeWith(['radclient'], 'an operator’s dictionary', () => {
  const FREERADIUS = '/usr/share/freeradius/dictionary'

  test('gives attributes of replies, which explain shows by their names', async () => {
    const own = await install({
      sections: {
        radius: { dictionaries: ['acme'] },
        second_factor: { required: false },
        policies: [
          {
            name: 'all',
            reply: { attributes: { 'Acme-Role': 'ops', 'Acme-Level': ['Gold', 3], 'Cisco-AVPair': 'a=b' } },
          },
        ],
      },
    })
    onTestFinished(own.remove)
    writeFileSync(own.folder.file('acme'), DICTIONARY)
    const running = await own.serve()
    onTestFinished(running.stop)
    await addPeople(own, [{ name: 'ida', password: PASSWORD, enrolled: false }])
    const reply = await send('ida', PASSWORD, [], own)
    expect(reply.code, reply.output).toBe('Access-Accept')
    // radclient has no names for them: vendor 32473, its attributes 1 and 2.
    const printed = reply.attributes.map((attribute) => attribute.join(' '))
    expect(printed).toContainEqual(expect.stringMatching(/26.32473.1 0x6f7073$/))
    expect(printed).toContainEqual(expect.stringMatching(/26.32473.2 0x00000007$/))
    expect(printed).toContainEqual(expect.stringMatching(/26.32473.2 0x00000003$/))
    expect(reply.attributes).toContainEqual(['Cisco-AVPair', 'a=b'])
    expect(await own.ocbroker(['explain', 'ida'])).toMatchObject({
      reply: expect.arrayContaining([{ name: 'Acme-Role', value: 'ops' }]),
    })
  })

  test('can be all that FreeRADIUS brings; a line that is wrong is named by check', async () => {
    const own = await install({ sections: { radius: { dictionaries: [FREERADIUS] } } })
    onTestFinished(own.remove)
    expect((await own.run(['check'])).stderr).not.toContain('dictionary')
    own.configure({ radius: { dictionaries: ['acme'] } })
    writeFileSync(own.folder.file('acme'), `${DICTIONARY}ATTRIBUTE Acme-Wrong\n`)
    const { code, stdout, stderr } = await own.run(['check'])
    expect(code).toBe(1)
    expect(stdout + stderr).toMatch(/acme:11: is not: ATTRIBUTE name number type/)
  })
})
