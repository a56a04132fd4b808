import { generateSync } from 'otplib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Broker, startBroker } from '../real/broker.ts'
import { awayFromTheEdge } from '../real/code-step.ts'
import type { LdifEntry } from '../real/ldif.ts'
import { describeWith, TUNNEL_NEEDS } from '../real/needs.ts'
import { type Lab, startLab } from '../real/netns.ts'
import { type Ocserv, startOcserv } from '../real/ocserv.ts'
import type { Openconnect } from '../real/openconnect.ts'
import {
  ADMIN,
  ADMIN_PASSWORD,
  GROUPS,
  group,
  PEOPLE,
  person,
  personDn,
  SLAPD_NEEDS,
  type Slapd,
  startSlapd,
} from '../real/slapd.ts'
import { connect } from './client.ts'

const PASSWORD = 'Grüße aus dem Verzeichnis'
const VPN_GROUPS = ['staff', 'admins']

const vpnUser = (name: string, attributes: Omit<LdifEntry, 'dn'> = {}) =>
  person(name, PASSWORD, { objectClass: 'vpnUser', ...attributes })

/** openconnect → ocserv → ocbroker → slapd: nothing here is a stand-in. */
describeWith([...TUNNEL_NEEDS, ...SLAPD_NEEDS], 'a VPN login of a user in a directory', () => {
  const resources = new AsyncDisposableStack()
  let lab: Lab
  let slapd: Slapd
  let broker: Broker
  let gateway: Ocserv

  beforeAll(async () => {
    lab = await startLab()
    resources.defer(lab.stop)
    slapd = await startSlapd({
      place: lab.server,
      tls: true,
      entries: [
        vpnUser('alice', { vpnAddress: '10.8.0.91', vpnAddress6: 'fd00:8::91', vpnDns: '10.0.0.54' }),
        vpnUser('bob'),
        vpnUser('carol'),
        vpnUser('dave'),
        group('vpn-staff', [personDn('alice'), personDn('dave')]),
        group('night-shift', [personDn('bob')]),
        group('vpn-admins', [`cn=night-shift,${GROUPS}`]),
      ],
      // The server itself follows groups that are members of groups.
      config: {
        global: ['include /etc/ldap/schema/dyngroup.schema', 'moduleload dynlist'],
        database: ['overlay dynlist', 'dynlist-attrset groupOfURLs memberURL member+memberOf@groupOfNames*'],
      },
    })
    resources.defer(slapd.stop)
    broker = await startBroker({
      place: lab.server,
      sections: {
        identity: {
          order: ['corp'],
          corp: {
            type: 'ldap',
            urls: [slapd.tlsUrl],
            tls: { ca_file: slapd.certificates.authority },
            bind_dn: ADMIN,
            bind_password: ADMIN_PASSWORD,
            user_base: PEOPLE,
            groups: {
              sources: [{ kind: 'memberOf' }],
              map: { 'vpn-staff': 'staff', 'vpn-admins': 'admins' },
            },
            attributes: { ipv4: 'vpnAddress', ipv6: 'vpnAddress6', dns: 'vpnDns' },
          },
        },
        second_factor: { required: false },
        limits: { user: '1000/1m', address: '1000/1m' },
        lockout: { after: 3 },
        policies: [
          {
            name: 'staff',
            when: { groups: ['staff'] },
            reply: {
              netmask: '255.255.255.0',
              routes: ['10.0.0.0/8', '172.20.0.0/16', 'fd00:9::/48'],
              dns: ['10.0.0.53'],
              groups: ['staff'],
            },
          },
          {
            name: 'admins',
            when: { groups: ['admins'] },
            reply: { routes: ['10.9.0.0/16'], groups: VPN_GROUPS },
          },
        ],
      },
    })
    resources.defer(broker.stop)
    const { authPort, acctPort, secret } = broker
    gateway = await startOcserv({
      place: lab.server,
      secret,
      authPort,
      acctPort,
      groups: VPN_GROUPS,
      extra: ['ipv6-network = fd00:8::/48', 'ipv6-subnet-prefix = 64', 'max-ban-score = 0'],
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

  test('has address and name server of the entry, routes and group of the policy for the group', async () => {
    const client = await login('alice', [PASSWORD])
    expect(client.connected, client.seen()).toBe(true)
    expect(await client.tunAddress()).toBe('10.8.0.91')
    expect(await client.tunAddress(6)).toBe('fd00:8::91')
    expect(await client.routes()).toEqual(expect.arrayContaining(['10.0.0.0/8', '172.20.0.0/16']))
    expect(await client.routes()).not.toContain('default')
    expect(await client.routes(6)).toContain('fd00:9::/48')
    expect(client.nameservers()).toEqual(['10.0.0.54'])
    expect(await gateway.users()).toMatchObject([
      { Username: 'alice', Groupname: 'staff', IPv4: '10.8.0.91', State: 'connected' },
    ])
    expect(await broker.ocbroker(['session', 'list'])).toMatchObject([
      { user: 'alice', policy: 'staff', ipv4: '10.8.0.91', ipv6: 'fd00:8::91' },
    ])
  })

  test('has the policy of a group that contains the user’s own group', async () => {
    const client = await login('bob', [PASSWORD], { authgroup: 'admins' })
    expect(client.connected, client.seen()).toBe(true)
    expect(await client.routes()).toContain('10.9.0.0/16')
    expect(await client.routes()).not.toContain('10.0.0.0/8')
    expect(await gateway.users()).toMatchObject([{ Username: 'bob', Groupname: 'admins' }])
  })

  test('is not made by one who is in none of the groups', async () => {
    const client = await login('carol', [PASSWORD])
    expect(client.connected).toBe(false)
    expect(client.seen()).toContain('You are not permitted to use this VPN.')
  })

  test('is not made with a wrong password, and is made when the right one follows', async () => {
    const refused = await login('alice', ['wrong'])
    expect(refused.connected).toBe(false)
    expect(refused.seen()).toContain('Login failed.')
    const client = await login('alice', ['wrong', PASSWORD])
    expect(client.seen()).toMatch(/Login failed\./)
    expect(client.connected, client.seen()).toBe(true)
  })

  test('asks for a code where the user has enrolled an authenticator, which works once', async () => {
    const { key } = (await broker.ocbroker(['totp', 'enrol', 'dave'])) as { key: string }
    const refused = await login('dave', [PASSWORD, '000000'])
    expect(refused.seen()).toContain('Wrong code, 2 tries left.')
    expect(refused.connected).toBe(false)
    // Later the next code would be shown, which was not used.
    await awayFromTheEdge(8000)
    const client = await login('dave', [PASSWORD], { totpSecret: key })
    expect(client.seen()).toContain('Enter the code from your authenticator app.')
    expect(client.connected, client.seen()).toBe(true)
    await client.disconnect()
    const replayed = await login('dave', [PASSWORD, generateSync({ secret: key })])
    expect(replayed.seen()).toContain('This code was used before')
    expect(replayed.connected).toBe(false)
  })

  test('is refused with a message while the directory is down, which locks nobody, and made when it is back', async () => {
    await slapd.kill()
    // Three at each login: as many failures would lock the user.
    const refused = await login('alice', [PASSWORD, PASSWORD, PASSWORD])
    expect(refused.connected).toBe(false)
    expect(refused.seen()).toContain('The login service is not available. Try again in a moment.')
    expect(await broker.ocbroker(['lockout', 'list'])).toEqual([])
    const outages = () => broker.ocbroker(['audit', '--user', 'alice', '--kind', 'login.unavailable'])
    // The answer does not wait for the event of an outage.
    await expect
      .poll(outages, { timeout: 10_000 })
      .toMatchObject([
        { detail: expect.stringContaining(`identity corp: ${slapd.tlsUrl}: nothing listens there`) },
        {},
        {},
      ])

    await slapd.start()
    await expect
      .poll(async () => (await login('alice', [PASSWORD])).connected, { timeout: 20_000 })
      .toBe(true)
  })
})
