import { describe, expect, test } from 'vitest'
import { configOf, faultOf, faultsOf, GATEWAY, warningsOf } from './loading.ts'

function withReply(reply: unknown): string {
  return `${GATEWAY}policies: [${JSON.stringify({ name: 'staff', reply })}]`
}

describe('a value that ocserv would reject is refused', () => {
  test.each([
    [{ routes: ['10.0.0.0'] }, 'routes[0]', 'no prefix length', 'write 10.0.0.0/32'],
    [{ routes: ['2001:db8::'] }, 'routes[0]', 'no prefix length', 'write 2001:db8::/128'],
    [{ routes: ['10.1.0.0/8'] }, 'routes[0]', 'bits set', 'write 10.0.0.0/8'],
    [{ routes: ['2001:db8::1/32'] }, 'routes[0]', 'bits set', 'write 2001:db8::/32'],
    [{ routes: ['10.0.0.0/8 10.0.0.1 1'] }, 'routes[0]', 'holds a blank', 'the network alone'],
    [{ routes: ['10.0.0.0/8', ' 10.0.0.0/8'] }, 'routes[1]', 'holds a blank', 'the network alone'],
    [{ routes: ['10.0.0.0/33'] }, 'routes[0]', 'not an address or a network', undefined],
    [{ routes: ['10.0.0.0/255.0.0.0'] }, 'routes[0]', 'not an address', 'write 10.0.0.0/8'],
    [{ routes: ['default'] }, 'routes[0]', 'not a network', 'write 0.0.0.0/0'],
    [{ routes: ['no-route'] }, 'routes[0]', 'not an address or a network', undefined],
    [{ routes: [''] }, 'routes[0]', 'is empty', undefined],
    [{ routes: '10.0.0.0/8' }, 'routes', 'must be a list', 'square brackets'],
    [{ dns: ['10.0.0.1', '10.0.0.2', '10.0.0.3'] }, 'dns', '3 IPv4 servers', 'first two'],
    [{ dns: ['::1', '::2', '::3', '10.0.0.1'] }, 'dns', '3 IPv6 servers', 'first two'],
    [{ dns: ['dns.example.org'] }, 'dns[0]', 'not an IPv4 or IPv6 address', undefined],
    [{ groups: ['a;b'] }, 'groups[0]', 'would be cut', 'each group'],
    [{ groups: ['a\0'] }, 'groups[0]', 'cannot be seen', undefined],
    [{ groups: ['a\nb'] }, 'groups[0]', 'cannot be seen', undefined],
    [{ groups: ['a', ''] }, 'groups[1]', 'is empty', undefined],
    [{ groups: [' a'] }, 'groups[0]', 'begins or ends with a blank', undefined],
    [{ groups: ['OU=a'] }, 'groups[0]', 'added by the broker', 'write a'],
    [{ groups: ['a'.repeat(251)] }, 'groups[0]', 'at most 250', undefined],
    [{ groups: Array.from({ length: 513 }, (_, i) => `g${i}`) }, 'groups', '513 entries', undefined],
    [{ netmask: '255.0.255.0' }, 'netmask', 'not a netmask', 'write 255.255.255.0'],
    [{ netmask: '/22' }, 'netmask', 'not a netmask', 'write 255.255.252.0'],
    [{ netmask: '255.255.255.255' }, 'netmask', 'no addresses for users', 'write 255.255.255.0'],
    [{ netmask: '0.0.0.0' }, 'netmask', 'no addresses for users', 'write 255.255.255.0'],
    [{ session_timeout: 3600 }, 'session_timeout', 'no unit', 'write 3600s'],
    [{ session_timeout: '10s' }, 'session_timeout', 'too short', '1m or more'],
    [{ session_timeout: '400d' }, 'session_timeout', 'too long', '365d or less'],
    [{ interim: '60500ms' }, 'interim', 'whole number of seconds', 'write 61s'],
    [{ upstream_speed: 0 }, 'upstream_speed', 'out of range', '1 or more'],
    [{ downstream_speed: '1M' }, 'downstream_speed', 'must be a', undefined],
    [{ ipv6_prefix: '2001:db8::1/56' }, 'ipv6_prefix', 'bits set', 'write 2001:db8::/56'],
    [{ ipv6_prefix: '10.0.0.0/8' }, 'ipv6_prefix', 'not an IPv6 prefix', '/56'],
    [{ attributes: { 'No-Such-Thing': 'x' } }, 'attributes.No-Such-Thing', 'no such attribute', undefined],
    [
      { attributes: { 'Framed-Protocol': 'x' } },
      'attributes.Framed-Protocol',
      'not a whole number',
      undefined,
    ],
    [{ attributes: { 'Login-LAT-Node': 7 } }, 'attributes.Login-LAT-Node', 'not text', undefined],
    [
      { attributes: { 'Login-LAT-Node': ['a', {}] } },
      'attributes.Login-LAT-Node',
      'one text or number',
      undefined,
    ],
    [
      { attributes: { 'Login-LAT-Node': 'a'.repeat(254) } },
      'attributes.Login-LAT-Node',
      'at most 253',
      undefined,
    ],
  ])('%j', async (reply, place, problem, suggestion) => {
    const fault = await faultOf(withReply(reply))
    expect(fault).toMatchObject({
      path: `policies[0].reply.${place}`,
      problem: expect.stringContaining(problem),
    })
    if (suggestion !== undefined) expect(fault.suggestion).toContain(suggestion)
  })

  test.each([
    ['Class', 'reply.groups'],
    ['class', 'reply.groups'],
    ['State', 'remove it'],
    ['Message-Authenticator', 'remove it'],
    ['Proxy-State', 'remove it'],
    ['Service-Type', 'remove it'],
    ['Reply-Message', 'radius.locale'],
    ['User-Password', 'remove it'],
    ['Framed-IP-Address', 'user add'],
    ['Framed-IPv6-Address', 'user add'],
    ['Framed-IP-Netmask', 'reply.netmask'],
    ['Framed-Route', 'reply.routes'],
    ['Framed-IPv6-Route', 'reply.routes'],
    ['Delegated-IPv6-Prefix', 'reply.ipv6_prefix'],
    ['MS-Primary-DNS-Server', 'reply.dns'],
    ['DNS-Server-IPv6-Address', 'reply.dns'],
    ['Session-Timeout', 'reply.session_timeout'],
    ['Acct-Interim-Interval', 'reply.interim'],
    ['RP-Upstream-Speed-Limit', 'reply.upstream_speed'],
  ])("the attribute %s is the broker's own", async (name, instead) => {
    const fault = await faultOf(withReply({ attributes: { [name]: 1 } }))
    expect(fault.path).toBe(`policies[0].reply.attributes.${name}`)
    expect(fault.suggestion).toContain(instead)
  })

  test.each([
    [{ attributes: { 'Framed-Compression': ['None', 1], 'Cisco-AVPair': ['a=1', 'b=2'] } }],
    [{ attributes: { 'Service-Type': 'Framed-User' } }],
    [{ attributes: { 'Framed-IP-Address': '255.255.255.254' } }],
    [{ attributes: { 'Framed-IPv6-Prefix': ['2001:db8:1::/48', '2001:db8:2::/48'] } }],
  ])('%j is taken', async (reply) => {
    expect(await faultsOf(withReply(reply))).toEqual([])
  })

  test.each([
    [{ attributes: { 'Port-Limit': [1, 2] } }, 'attributes.Port-Limit', 'once only'],
    [{ attributes: { 'NAS-Identifier': 'x' } }, 'attributes.NAS-Identifier', 'does not belong'],
    [{ attributes: { 'Service-Type': 'Login-User' } }, 'attributes.Service-Type', 'by the broker itself'],
    [{ attributes: { 'Framed-IP-Address': '10.8.0.7' } }, 'attributes.Framed-IP-Address', 'by the broker'],
    [{ attributes: { 'Cisco-AVPair': [] } }, 'attributes.Cisco-AVPair', 'an empty list'],
  ])('%j is refused', async (reply, place, problem) => {
    expect(await faultOf(withReply(reply))).toMatchObject({
      path: `policies[0].reply.${place}`,
      problem: expect.stringContaining(problem),
    })
  })

  test.each([
    ['semicolon', ['a,b'], undefined],
    ['semicolon', ['a;b'], 'cut at ";"'],
    ['comma', ['a;b'], undefined],
    ['comma', ['a,b'], 'cut at ","'],
    ['each', ['a,b'], undefined],
    ['each', ['a;b'], 'cut at ";"'],
  ])('for a gateway with class: %s the groups %j: %s', async (form, groups, problem) => {
    const gateways = [
      { name: 'gw', address: '192.0.2.1', secret: 'a-secret-of-good-length', class: form },
      { name: 'other', address: '192.0.2.2', secret: 'a-secret-of-good-length', class: 'comma' },
    ]
    const policies = [{ name: 'p', when: { gateways: ['gw'] }, reply: { groups } }]
    const faults = await faultsOf(JSON.stringify({ gateways, policies }))
    const expected = { path: 'policies[0].reply.groups[0]', problem: expect.stringContaining(problem ?? '') }
    expect(faults).toMatchObject(problem === undefined ? [] : [expected])
  })

  test.each([
    ['192.0.2.1', 81, 4, 1, []],
    ['2001:db8::1', 81, 5, 0, []],
    ['2001:db8::1', 81, 4, 1, ['the reply of policy p is 1233 octets long; over 1232 some IPv6 paths']],
    ['192.0.2.1', 93, 4, 1, ['the reply of policy p is 1401 octets long; over 1400 it is cut']],
  ] as const)(
    'to a gateway at %s, %i routes of 14 octets, %i of 12 and %i of 13 have the warnings %j',
    async (address, longest, short, long, problems) => {
      // Header and Message-Authenticator take 38 octets.
      const routes = [
        ...Array.from({ length: longest }, () => '10.10.0.0/16'),
        ...Array.from({ length: short }, () => '10.0.0.0/8'),
        ...Array.from({ length: long }, () => '10.1.0.0/16'),
      ]
      const gateways = [{ name: 'gw', address, secret: 'a-secret-of-good-length' }]
      const policies = [{ name: 'p', reply: { routes } }]
      const warnings = await warningsOf(JSON.stringify({ gateways, policies }))
      expect(warnings.map(({ problem }) => problem)).toEqual(
        problems.map((each) => expect.stringContaining(each)),
      )
    },
  )

  test('a reply of 4096 octets is valid, and one of 4097 is a fault that names the policy', async () => {
    // Header and Message-Authenticator take 38 octets; 289 routes of 14 and one of 12 fill up the rest.
    const routes = Array.from({ length: 289 }, () => '10.10.0.0/16')
    expect(await faultsOf(withReply({ routes: [...routes, '10.0.0.0/8'] }))).toEqual([])
    expect(await faultOf(withReply({ routes: [...routes, '10.1.0.0/16'] }))).toMatchObject({
      path: 'policies[0].reply',
      problem: 'the reply of policy staff would be 4097 octets long; RADIUS allows 4096',
    })
  })

  test('all faults in one reply are reported', async () => {
    const found = await faultsOf(
      withReply({
        netmask: '1',
        routes: ['x', '10.0.0.0/8', 'y'],
        dns: ['::1', '::2', '::3'],
        attributes: { State: 1 },
      }),
    )
    expect(found.map(({ path }) => path.replace('policies[0].reply.', '')).toSorted()).toEqual([
      'attributes.State',
      'dns',
      'netmask',
      'routes[0]',
      'routes[2]',
    ])
  })
})

describe('a value that only some versions of ocserv reject is a warning', () => {
  const groups = (count: number) => Array.from({ length: count }, (_, i) => `${i}`)

  test.each([
    [{ groups: groups(33) }, 'groups', 'ocserv 1.1.0 takes the first 32'],
    [{ groups: groups(129) }, 'groups', 'ocserv 1.1.6 takes the first 128'],
    [{ groups: ['a'.repeat(130), 'b'.repeat(130)] }, 'groups', 'before 1.2.0 reads the first'],
    [{ interim: '59s' }, 'interim', 'RFC 2869'],
    [{ ipv6_prefix: '2001:db8::/56' }, 'ipv6_prefix', 'every user'],
    [{ attributes: { 'Idle-Timeout': 600 } }, 'attributes.Idle-Timeout', 'ignored'],
  ])('%j', async (reply, place, problem) => {
    const [warning, ...others] = await warningsOf(withReply(reply))
    expect(others).toEqual([])
    expect(warning).toMatchObject({
      path: `policies[0].reply.${place}`,
      problem: expect.stringContaining(problem),
    })
  })

  test('a value that the oldest version accepts is no warning', async () => {
    const reply = { groups: groups(32), interim: '60s', dns: ['10.0.0.1', '10.0.0.2', '::1', '::2'] }
    expect(await warningsOf(withReply(reply))).toEqual([])
  })

  test('more than 512 groups are refused', async () => {
    const { policies } = await configOf(withReply({ groups: groups(512) }))
    expect(policies[0]?.reply?.groups).toHaveLength(512)
  })
})
