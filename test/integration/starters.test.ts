import { generateSync } from 'otplib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Freeradius, startFreeradius } from '../real/freeradius.ts'
import { describeWith } from '../real/needs.ts'
import { type Attribute, type RadclientReply, radclient } from '../real/radclient.ts'

const SECRET = 'between gateway and server'
const TOTP_SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
const REPLY: readonly Attribute[] = [
  ['Framed-IP-Address', '10.8.0.77'],
  ['Framed-Route', '10.0.0.0/8'],
  ['Framed-Route', '172.20.0.0/16'],
  ['Class', 'OU=staff'],
  ['Session-Timeout', 3600],
]

/** Other tests rely on these two and must be able to trust them. */
describeWith(['freeradius', 'radclient'], 'radclient and FreeRADIUS as the tests start them', () => {
  const awkward = [
    'plain',
    `"double" 'single' \\back\\\\slash\\`,
    '%{User-Name} %% ${x',
    'ünïcödé 密码',
    'x'.repeat(128),
  ]
  const resources = new AsyncDisposableStack()
  let server: Freeradius

  beforeAll(async () => {
    const users = awkward.map((password, number) => ({ name: `user${number}`, password, reply: REPLY }))
    const twoSteps = { name: 'eve', password: 'first', totpSecret: TOTP_SECRET, reply: REPLY }
    server = await startFreeradius({ secret: SECRET, users: [...users, twoSteps] })
    resources.defer(server.stop)
  })

  afterAll(() => resources.disposeAsync())

  function login(...attributes: Attribute[]): Promise<RadclientReply> {
    return radclient({ kind: 'auth', port: server.authPort, secret: SECRET, attributes })
  }

  for (const [number, password] of awkward.entries()) {
    test(`the password ${password} is accepted, and its reply is read`, async () => {
      const reply = await login(['User-Name', `user${number}`], ['User-Password', password])
      expect(reply.code, reply.output).toBe('Access-Accept')
      expect(reply.attributes).toEqual([
        ['Framed-IP-Address', '10.8.0.77'],
        ['Framed-Route', '10.0.0.0/8'],
        ['Framed-Route', '172.20.0.0/16'],
        ['Class', `0x${Buffer.from('OU=staff').toString('hex')}`],
        ['Session-Timeout', '3600'],
      ])
    })
  }

  test('a wrong password is rejected without the reply of a right one', async () => {
    const reply = await login(['User-Name', 'user0'], ['User-Password', 'wrong'])
    expect(reply).toMatchObject({ code: 'Access-Reject', attributes: [] })
  })

  test('a password that is not UTF-8 is sent octet by octet', async () => {
    const reply = await login(
      ['User-Name', 'user0'],
      ['User-Password', Buffer.from([0xe4, 0xff, 0x22, 0x5c])],
    )
    expect(reply.output).toContain('User-Password = "\\344\\377\\"\\\\"')
  })

  test('a code is asked for after the password, and again after a wrong code', async () => {
    const first = await login(['User-Name', 'eve'], ['User-Password', 'first'])
    expect(first.code, first.output).toBe('Access-Challenge')
    const wrong = await login(['User-Name', 'eve'], ['User-Password', '000000'], ['State', stateOf(first)])
    expect(wrong.code, wrong.output).toBe('Access-Challenge')
    expect(wrong.attributes).toContainEqual(['Reply-Message', 'Wrong code, enter the next one'])
    const code = generateSync({ secret: TOTP_SECRET })
    const right = await login(['User-Name', 'eve'], ['User-Password', code], ['State', stateOf(wrong)])
    expect(right.code, right.output).toBe('Access-Accept')
  })

  test('accounting is acknowledged', async () => {
    const attributes: Attribute[] = [
      ['Acct-Status-Type', 'Start'],
      ['Acct-Session-Id', 'h/+='],
    ]
    const reply = await radclient({ kind: 'acct', port: server.acctPort, secret: SECRET, attributes })
    expect(reply.code, reply.output).toBe('Accounting-Response')
  })

  test('a reply that is signed with another secret is no reply', async () => {
    const reply = await radclient({
      kind: 'auth',
      port: server.authPort,
      secret: 'another',
      timeout: 1,
      attributes: [
        ['User-Name', 'user0'],
        ['User-Password', 'plain'],
      ],
    })
    expect(reply.code).toBeUndefined()
  })
})

function stateOf({ attributes }: RadclientReply): string {
  return attributes.find(([name]) => name === 'State')?.[1] ?? ''
}
