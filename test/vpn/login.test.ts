import { generateSync } from 'otplib'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Broker, type Sections, startBroker } from '../real/broker.ts'
import { describeWith, TUNNEL_NEEDS } from '../real/needs.ts'
import { type Lab, startLab } from '../real/netns.ts'
import { type Ocserv, startOcserv } from '../real/ocserv.ts'
import type { Openconnect } from '../real/openconnect.ts'
import { addPeople, type TestPerson } from '../real/people.ts'
import { connect } from './client.ts'

const PASSWORD = 'correct horse'
/** Ends in digits, as many as a code has. */
const PASSWORD_WITH_DIGITS = 'battery staple 123456'
const GROUPS = ['staff', 'admins']
const POLICIES = [
  {
    name: 'staff',
    when: { groups: GROUPS },
    reply: {
      netmask: '255.255.255.0',
      routes: ['10.0.0.0/8', '172.20.0.0/16', 'fd00:9::/48'],
      dns: ['10.0.0.53', '10.0.0.54', 'fd00:9::53'],
      groups: GROUPS,
      session_timeout: '12h',
      interim: '5m',
    },
  },
  { name: 'nobody-else', deny: true },
]
/** Every client of the laboratory has the same address, and most of these tests are about failing. */
const LIMITS = { user: '1000/1m', address: '1000/1m' }
const NO_LOCKOUTS = { after: 999, user_after: 999, address_after: 999, hard_after: 999 }

/** A gateway and the broker that it asks. */
interface Site {
  readonly broker: Broker
  readonly gateway: Ocserv
}

/** What `session list` tells of a session. */
type ListedSession = Readonly<Record<string, unknown>>

/** openconnect → ocserv → ocbroker → tunnel: nothing here is a stand-in. */
describeWith(TUNNEL_NEEDS, 'a VPN login', () => {
  const resources = new AsyncDisposableStack()
  let lab: Lab

  beforeAll(async () => {
    lab = await startLab()
    resources.defer(lab.stop)
  })

  afterAll(() => resources.disposeAsync())

  async function site(sections: Sections): Promise<Site> {
    const broker = await startBroker({
      place: lab.server,
      sections: { limits: LIMITS, lockout: NO_LOCKOUTS, policies: POLICIES, ...sections },
    })
    resources.defer(broker.stop)
    const { authPort, acctPort, secret } = broker
    const gateway = await startOcserv({
      place: lab.server,
      secret,
      authPort,
      acctPort,
      groups: GROUPS,
      extra: ['ipv6-network = fd00:8::/48', 'ipv6-subnet-prefix = 64', 'max-ban-score = 0'],
    })
    resources.defer(gateway.stop)
    return { broker, gateway }
  }

  function login(
    { gateway }: Site,
    user: string,
    answers: readonly string[],
    how: { authgroup?: string; totpSecret?: string } = {},
  ): Promise<Openconnect> {
    return connect(lab, gateway, { user, answers, authgroup: 'staff', ...how })
  }

  function people(at: Site, names: readonly string[], password = PASSWORD): Promise<TestPerson[]> {
    return addPeople(
      at.broker,
      names.map((name) => ({ name, password, groups: ['staff'] })),
    )
  }

  /** Octets sent through the tunnel to the gateway's end of it, and as many back. */
  async function exchangeThroughTunnel({ gateway }: Site, octets: number): Promise<void> {
    const [user] = await gateway.users()
    const server = lab.server.start(process.execPath, ['--eval', ECHO_SERVER])
    onTestFinished(() => server.stop())
    const [, port = ''] = await server.waitForOutput(/port (\d+)/)
    const { code, stderr } = await lab.client.run(process.execPath, [
      '--eval',
      ECHO_CLIENT,
      String(user?.['P-t-P IPv4']),
      port,
      String(octets),
    ])
    expect(code, stderr).toBe(0)
  }

  describe('in challenge mode', () => {
    let at: Site
    /** By the command, as an operator does. */
    const keys = new Map<string, { key: string; recoveryCodes: readonly string[] }>()

    beforeAll(async () => {
      at = await site({ second_factor: { mode: 'challenge', required: true }, lockout: { after: 3 } })
      const add = async (name: string, ...more: string[]) => {
        await at.broker.ocbroker(['user', 'add', name, '--password-stdin', '--group', 'staff', ...more], {
          input: `${PASSWORD}\n`,
        })
        const enrolled = await at.broker.ocbroker(['totp', 'enrol', name])
        keys.set(name, enrolled as { key: string; recoveryCodes: readonly string[] })
      }
      await Promise.all([
        add('alice', '--ipv4', '10.8.0.77', '--ipv6', 'fd00:8::77'),
        add('bob', '--ipv4', '10.8.0.78'),
        add('carol'),
        add('dave'),
        add('erin'),
      ])
    })

    const keyOf = (name: string) => keys.get(name)?.key ?? ''
    const codeOf = (name: string) => generateSync({ secret: keyOf(name) })

    test('has address, routes, name servers and group, and is a session until the user leaves', async () => {
      const client = await login(at, 'alice', [PASSWORD], { totpSecret: keyOf('alice') })
      expect(client.seen()).toContain('Enter the code from your authenticator app.')
      expect(client.connected, client.seen()).toBe(true)

      expect(await client.tunAddress()).toBe('10.8.0.77')
      expect(await client.tunAddress(6)).toBe('fd00:8::77')
      expect(await client.routes()).toEqual(expect.arrayContaining(['10.0.0.0/8', '172.20.0.0/16']))
      expect(await client.routes()).not.toContain('default')
      expect(await client.routes(6)).toContain('fd00:9::/48')
      expect(client.pushedEnvironment()).toMatchObject({
        INTERNAL_IP4_ADDRESS: '10.8.0.77',
        INTERNAL_IP4_DNS: '10.0.0.53 10.0.0.54 fd00:9::53',
        CISCO_SPLIT_INC: '2',
      })
      expect(client.nameservers()).toEqual(['10.0.0.53', '10.0.0.54', 'fd00:9::53'])
      expect(await at.gateway.users()).toEqual([
        expect.objectContaining({
          Username: 'alice',
          Groupname: 'staff',
          IPv4: '10.8.0.77',
          State: 'connected',
        }),
      ])

      const [open] = await sessionsOf(at, 'alice')
      expect(open).toMatchObject({
        policy: 'staff',
        ipv4: '10.8.0.77',
        ipv6: 'fd00:8::77',
        address: '192.0.2.2',
      })
      expect(open).toHaveProperty('startedAt')
      expect(open).not.toHaveProperty('stoppedAt')

      await exchangeThroughTunnel(at, 200_000)
      await client.disconnect()
      await expect.poll(() => at.gateway.users(), { timeout: 5000 }).toEqual([])
      await expect
        .poll(() => sessionsOf(at, 'alice'), { timeout: 10_000, interval: 500 })
        .toEqual([expect.objectContaining({ terminateCause: 'User-Request', ipv4: '10.8.0.77' })])
      const [closed] = await sessionsOf(at, 'alice')
      expect(closed?.octetsIn).toBeGreaterThan(200_000)
      expect(closed?.octetsOut).toBeGreaterThan(200_000)
      expect(closed?.octetsIn).toBeLessThan(400_000)
      expect(closed?.stoppedAt).toBeGreaterThanOrEqual(Number(closed?.startedAt))
      expect(await at.broker.ocbroker(['session', 'list'])).toEqual([])
    })

    test('is in the group that the user picks', async () => {
      await login(at, 'bob', [PASSWORD], { totpSecret: keyOf('bob'), authgroup: 'admins' })
      expect(await at.gateway.users()).toMatchObject([
        { Username: 'bob', Groupname: 'admins', IPv4: '10.8.0.78' },
      ])
    })

    test('is not made with a wrong password, and is made when the right one follows', async () => {
      const refused = await login(at, 'carol', ['wrong'])
      expect(refused.connected).toBe(false)
      expect(refused.seen()).toContain('Login failed.')
      const client = await login(at, 'carol', ['wrong', PASSWORD, codeOf('carol')])
      expect(client.seen()).toMatch(/Login failed\.[\s\S]*Enter the code/)
      expect(client.connected, client.seen()).toBe(true)
    })

    test('is made when a wrong code is followed by the right one, which is then spent', async () => {
      const code = codeOf('dave')
      const client = await login(at, 'dave', [PASSWORD, '000000', code])
      expect(client.seen()).toMatch(
        /Enter the code from your authenticator app\.[\s\S]*Wrong code, 2 tries left\. Enter the code from your app\./,
      )
      expect(client.connected, client.seen()).toBe(true)
      await client.disconnect()

      const replayed = await login(at, 'dave', [PASSWORD, code])
      expect(replayed.seen()).toContain(
        'This code was used before, 2 tries left. Wait for the next code and enter it.',
      )
      expect(replayed.connected).toBe(false)
    })

    test('is made with a recovery code, once', async () => {
      const [code = ''] = keys.get('dave')?.recoveryCodes ?? []
      const client = await login(at, 'dave', [PASSWORD, code])
      expect(client.connected, client.seen()).toBe(true)
      await client.disconnect()
      const again = await login(at, 'dave', [PASSWORD, code])
      expect(again.seen()).toContain('Wrong code, 2 tries left.')
      expect(again.connected).toBe(false)
    })

    test('is refused to a locked user, until an operator releases them', async () => {
      const guesser = await login(at, 'erin', ['wrong', 'wrong again', 'still wrong'])
      expect(guesser.connected).toBe(false)
      const locked = await login(at, 'erin', [PASSWORD, codeOf('erin')])
      expect(locked.seen()).toContain('Too many failed logins. Try again in 5 minutes.')
      expect(locked.seen()).not.toContain('Enter the code')
      expect(locked.connected).toBe(false)
      expect(await at.broker.ocbroker(['lockout', 'list', '--user', 'erin'])).toMatchObject([
        { user: 'erin', address: '192.0.2.2', scope: 'user_address', gateway: 'gw' },
      ])

      const released = await at.broker.ocbroker(['lockout', 'release', 'erin', '--reason', 'she called'])
      expect(released).toMatchObject([{ user: 'erin', releaseReason: 'she called' }])
      const client = await login(at, 'erin', [PASSWORD, codeOf('erin')])
      expect(client.connected, client.seen()).toBe(true)
    })

    test('is not made by one whom no policy lets in', async () => {
      const input = `${PASSWORD}\n`
      await at.broker.ocbroker(['user', 'add', 'guest', '--password-stdin', '--group', 'guests'], { input })
      const { key } = (await at.broker.ocbroker(['totp', 'enrol', 'guest'])) as { key: string }
      const client = await login(at, 'guest', [PASSWORD, generateSync({ secret: key })])
      expect(client.connected).toBe(false)
      expect(await at.broker.ocbroker(['session', 'list', '--all', '--user', 'guest'])).toEqual([])
    })
  })

  describe('in append mode', () => {
    let at: Site
    let persons: TestPerson[]

    beforeAll(async () => {
      at = await site({ second_factor: { mode: 'append' } })
      persons = [
        ...(await people(at, ['alice', 'bob'])),
        ...(await people(at, ['carol'], PASSWORD_WITH_DIGITS)),
      ]
    })

    const codeOf = (name: string) =>
      generateSync({ secret: persons.find((person) => person.name === name)?.key ?? '' })

    test('is made with the password and the code in one field', async () => {
      const client = await login(at, 'alice', [PASSWORD + codeOf('alice')])
      expect(client.connected, client.seen()).toBe(true)
      expect(client.seen()).not.toContain('Enter the code')
    })

    test('is made with a password that ends in digits', async () => {
      const client = await login(at, 'carol', [PASSWORD_WITH_DIGITS + codeOf('carol')])
      expect(client.connected, client.seen()).toBe(true)
    })

    test('is not made with the password alone, nor with a wrong code behind it', async () => {
      const client = await login(at, 'bob', [PASSWORD, `${PASSWORD}000000`])
      expect(client.connected).toBe(false)
      expect(client.seen()).toContain('Login failed.')
    })
  })

  describe('in either mode', () => {
    let at: Site
    let person: TestPerson | undefined

    beforeAll(async () => {
      at = await site({ second_factor: { mode: 'either' } })
      ;[person] = await people(at, ['alice'], PASSWORD_WITH_DIGITS)
    })

    test('is made with the code behind the password', async () => {
      const code = generateSync({ secret: person?.key ?? '' })
      const client = await login(at, 'alice', [PASSWORD_WITH_DIGITS + code])
      expect(client.connected, client.seen()).toBe(true)
      expect(client.seen()).not.toContain('Enter the code')
    })

    test('is made with the password, though it ends in digits, and a recovery code for the challenge', async () => {
      const client = await login(at, 'alice', [PASSWORD_WITH_DIGITS, person?.recoveryCodes[0] ?? ''])
      expect(client.seen()).toContain('Enter the code from your authenticator app.')
      expect(client.connected, client.seen()).toBe(true)
    })
  })

  describe('in only mode', () => {
    let at: Site
    let person: TestPerson | undefined

    beforeAll(async () => {
      at = await site({ second_factor: { mode: 'only' } })
      ;[person] = await people(at, ['alice'])
    })

    test('is made with the code alone, and not with the password', async () => {
      const refused = await login(at, 'alice', [PASSWORD])
      expect(refused.connected).toBe(false)
      const client = await login(at, 'alice', [generateSync({ secret: person?.key ?? '' })])
      expect(client.connected, client.seen()).toBe(true)
    })
  })

  describe('in Simplified Chinese', () => {
    let at: Site
    let person: TestPerson | undefined

    beforeAll(async () => {
      at = await site({
        radius: { locale: 'zh-CN' },
        second_factor: { mode: 'challenge' },
        lockout: { after: 2 },
      })
      ;[person] = await people(at, ['alice'])
    })

    test('asks, corrects and refuses in that language', async () => {
      const code = generateSync({ secret: person?.key ?? '' })
      const client = await login(at, 'alice', ['wrong', PASSWORD, '000000', code])
      expect(client.seen()).toContain('登录失败。')
      expect(client.seen()).toContain('请输入身份验证器应用中的验证码。')
      expect(client.connected).toBe(false)
      const locked = await login(at, 'alice', [PASSWORD])
      expect(locked.seen()).toContain('登录失败次数过多，请在 5 分钟后重试。')

      await at.broker.ocbroker(['lockout', 'release', 'alice', '--reason', 'test'])
      const right = await login(at, 'alice', [PASSWORD, '000000', code])
      expect(right.seen()).toContain('验证码错误，还可再试 2 次。请输入应用中的验证码。')
      expect(right.connected, right.seen()).toBe(true)
    })
  })
})

async function sessionsOf({ broker }: Site, user: string): Promise<ListedSession[]> {
  return (await broker.ocbroker(['session', 'list', '--all', '--user', user])) as ListedSession[]
}

const ECHO_SERVER = `
  const server = require('node:net').createServer((socket) => socket.pipe(socket)).listen(0, () => {
    console.log('port ' + server.address().port)
  })
`
const ECHO_CLIENT = `
  const [, host, port, count] = process.argv
  const socket = require('node:net').connect(Number(port), host, () => socket.end(Buffer.alloc(Number(count))))
  let received = 0
  socket.on('data', (octets) => (received += octets.length))
  socket.on('end', () => process.exit(received === Number(count) ? 0 : 1))
`
