import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { generateSync } from 'otplib'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { startFreeradius } from '../real/freeradius.ts'
import { describeWith, TUNNEL_NEEDS } from '../real/needs.ts'
import { type Lab, startLab } from '../real/netns.ts'
import { type Ocserv, startOcserv } from '../real/ocserv.ts'
import type { Openconnect } from '../real/openconnect.ts'
import type { Attribute } from '../real/radclient.ts'
import { connect } from './client.ts'

const SECRET = 'between-gateway-and-server'
const TOTP_SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
const REPLY: readonly Attribute[] = [
  ['Framed-IP-Address', '10.8.0.77'],
  ['Framed-IP-Netmask', '255.255.255.0'],
  ['Framed-Route', '10.0.0.0/8'],
  ['Framed-Route', '172.20.0.0/16'],
  ['MS-Primary-DNS-Server', '10.0.0.53'],
  ['Framed-IPv6-Address', 'fd00:8::77'],
  ['Framed-IPv6-Route', 'fd00:9::/48'],
  ['Class', 'OU=staff;admins'],
]
/** The laboratory itself, with a RADIUS server that is not ours: what fails here is no fault of the broker. */
describeWith([...TUNNEL_NEEDS, 'freeradius'], 'a real tunnel', () => {
  const resources = new AsyncDisposableStack()
  let lab: Lab
  let gateway: Ocserv

  beforeAll(async () => {
    lab = await startLab()
    resources.defer(lab.stop)
    const radius = await startFreeradius({
      place: lab.server,
      secret: SECRET,
      users: [
        { name: 'alice', password: 'right', reply: REPLY },
        { name: 'bob', password: 'right', totpSecret: TOTP_SECRET, reply: REPLY },
      ],
    })
    resources.defer(radius.stop)
    gateway = await startOcserv({
      place: lab.server,
      secret: SECRET,
      authPort: radius.authPort,
      acctPort: radius.acctPort,
      groups: ['staff', 'admins'],
      extra: ['ipv6-network = fd00:8::/48', 'ipv6-subnet-prefix = 64'],
    })
    resources.defer(gateway.stop)
  })

  afterAll(() => resources.disposeAsync())

  function login(
    user: string,
    answers: readonly string[],
    how: { authgroup?: string; totpSecret?: string } = {},
  ): Promise<Openconnect> {
    return connect(lab, gateway, { user, answers, authgroup: 'staff', ...how })
  }

  test('has the address, the routes, the name server and the group of the reply', async () => {
    const client = await login('alice', ['right'])
    expect(client.connected, client.seen()).toBe(true)
    expect(await client.tunAddress()).toBe('10.8.0.77')
    expect(await client.routes()).toEqual(expect.arrayContaining(['10.0.0.0/8', '172.20.0.0/16']))
    expect(await client.routes()).not.toContain('default')
    expect(client.pushedEnvironment()).toMatchObject({
      INTERNAL_IP4_ADDRESS: '10.8.0.77',
      INTERNAL_IP4_DNS: '10.0.0.53',
      CISCO_SPLIT_INC: '2',
    })
    expect(client.nameservers()).toEqual(['10.0.0.53'])
    expect(readFileSync('/etc/resolv.conf', 'utf8'), 'the machine itself').not.toContain('10.0.0.53')
    expect(await gateway.users()).toEqual([
      expect.objectContaining({
        Username: 'alice',
        Groupname: 'staff',
        IPv4: '10.8.0.77',
        State: 'connected',
      }),
    ])
  })

  test('has the IPv6 address and routes of the reply', async () => {
    const client = await login('alice', ['right'])
    expect(await client.tunAddress(6)).toBe('fd00:8::77')
    expect(await client.routes(6)).toContain('fd00:9::/48')
  })

  test('is gone from both sides after the user has left', async () => {
    const client = await login('alice', ['right'])
    await client.disconnect()
    await expect.poll(() => gateway.users(), { timeout: 5000 }).toEqual([])
    await expect(client.tunAddress()).rejects.toThrow(/"tun0"/)
  })

  test('is in the other group where the user picks that', async () => {
    await login('alice', ['right'], { authgroup: 'admins' })
    expect(await gateway.users()).toMatchObject([{ Username: 'alice', Groupname: 'admins' }])
  })

  test('is not made with a wrong password, and the user is told', async () => {
    const client = await login('alice', ['wrong'])
    expect(client.connected).toBe(false)
    expect(client.seen()).toContain('Login failed.')
    expect(await gateway.users()).toEqual([])
  })

  test('is made when a wrong password is followed by the right one', async () => {
    const client = await login('alice', ['wrong', 'right'])
    expect(client.seen()).toContain('Login failed.')
    expect(client.connected, client.seen()).toBe(true)
  })

  test('is made when openconnect answers the challenge with a code of its own', async () => {
    const client = await login('bob', ['right'], { totpSecret: TOTP_SECRET })
    expect(client.seen()).toContain('Enter your code')
    expect(client.connected, client.seen()).toBe(true)
    expect(await client.tunAddress()).toBe('10.8.0.77')
  })

  test('is made when a wrong code is followed by the right one', async () => {
    const client = await login('bob', ['right', '000000', generateSync({ secret: TOTP_SECRET })])
    expect(client.seen()).toMatch(/Enter your code[\s\S]*Wrong code, enter the next one/)
    expect(client.connected, client.seen()).toBe(true)
  })

  test('is not made with wrong codes alone', async () => {
    const client = await login('bob', ['right', '000000', '000001'])
    expect(client.connected).toBe(false)
  })
})

describeWith(TUNNEL_NEEDS, 'the laboratory', () => {
  test('stands twice side by side, and nothing is left of it afterwards', async () => {
    const labs = await Promise.all([startLab(), startLab()])
    for (const lab of labs) onTestFinished(lab.stop)
    // Only the end of the laboratory can end these, for they listen to nothing else.
    const stubborn = labs.map(({ client }) =>
      client.start('sh', ['-c', "trap '' TERM; while :; do sleep 1; done"]),
    )
    for (const lab of labs) await lab.stop()
    for (const { server, client, desktop } of labs) {
      for (const { name } of [server, client, desktop]) expect(existsSync(`/run/netns/${name}`)).toBe(false)
    }
    for (const program of stubborn) expect(await program.finished).toMatchObject({ signal: 'SIGKILL' })
  })

  test('of a test that was killed goes with it', async () => {
    const script = `
      import { startLab } from '${import.meta.dirname}/../real/netns.ts'
      console.log((await startLab()).server.name)
    `
    const victim = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [name] = (await once(victim.stdout, 'data')) as [Buffer]
    const path = `/run/netns/${name.toString().trim()}`
    expect(existsSync(path)).toBe(true)
    victim.kill('SIGKILL')
    await expect.poll(() => existsSync(path), { timeout: 5000 }).toBe(false)
  })
})
