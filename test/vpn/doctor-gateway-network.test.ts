import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { Expectation } from '../../src/doctor/gateway/expectation.ts'
import { temporaryFolder } from '../real/folder.ts'
import { freePort } from '../real/free-port.ts'
import { describeWith, TUNNEL_NEEDS } from '../real/needs.ts'
import { ip } from '../real/netns.ts'
import { openconnect } from '../real/openconnect.ts'
import { addPeople } from '../real/people.ts'
import { outputOf, thisMachine } from '../real/process.ts'
import { FAKETIME } from '../real/stepped-clock.ts'
import { alarms, type Edit, expectAlarm, type Site, startGateway, startSite } from './examined-gateway.ts'

type Fault = readonly [what: string, edits: readonly Edit[], alarm: string, says: RegExp]

const PASSWORD = 'correct horse'
const CONF = 'ocserv.conf'
const NETWORK = /^ipv4-network = .*$/m
const END = /$/

/** What ocserv.conf says, beside an ocserv that runs with a sound one. */
const SETTINGS: readonly Fault[] = [
  ['addresses of a pool', [[CONF, NETWORK, 'ipv4-network = 10.8.0.0']], 'fault ipv4-network', /pool staff/],
  [
    'addresses around a server',
    [[CONF, NETWORK, 'ipv4-network = 10.0.0.0']],
    'warning ipv4-network',
    /10\.0\.0\.53/,
  ],
  [
    'addresses of this host',
    [[CONF, NETWORK, 'ipv4-network = 192.0.2.0']],
    'fault host-networks',
    /192\.0\.2\.2\/24/,
  ],
  [
    'a group of no policy',
    [[CONF, END, 'select-group = guests[Guests]\n']],
    'warning groups',
    /no policy gives guests/,
  ],
  ['a short login', [[CONF, 'auth-timeout = 240', 'auth-timeout = 60']], 'warning limits', /after 60 s/],
  ['a long cookie', [[CONF, 'cookie-timeout = 300', 'cookie-timeout = 3600']], 'warning limits', /3600 s/],
  ['a large mtu', [[CONF, END, 'mtu = 1480\n']], 'warning mtu', /large ones do not/],
  [
    'no folder for the socket',
    [[CONF, /^socket-file = .*$/m, 'socket-file = $FOLDER/none/socket']],
    'fault isolation',
    /none/,
  ],
]

/** Rules of a firewall, with PORT for ocserv's port. */
const FIREWALLS: readonly (readonly [what: string, rules: string, alarm: string, says: RegExp])[] = [
  [
    'no TCP',
    'chain input { type filter hook input priority 0; iif lo accept; tcp dport PORT drop; }',
    'fault input-chain',
    /nobody can connect/,
  ],
  [
    'no UDP',
    'chain input { type filter hook input priority 0; policy drop; ct state established accept; iif lo accept; tcp dport { 22, PORT } accept; }',
    'fault input-chain',
    /DTLS in progress/,
  ],
  [
    'no forwarding',
    'chain forward { type filter hook forward priority 0; policy drop; ct state established,related accept; iifname "eth*" accept; }',
    'fault forward-chain',
    /10\.8|pool staff|ipv4-network/,
  ],
]

const SILENCE =
  'chain output { type filter hook output priority 0; ip daddr 192.0.2.1 meta l4proto udp drop; }'

describeWith([...TUNNEL_NEEDS, 'nft', 'ss', FAKETIME], 'doctor on a gateway and its network', () => {
  const resources = new AsyncDisposableStack()
  let site: Site

  beforeAll(async () => {
    site = await startSite(resources)
  })

  afterAll(() => resources.disposeAsync())

  const nft = (rules: string) => outputOf(site.machine, 'nft', ['-f', '-'], { input: rules })

  test('finds nothing wrong with a sound one, within its time', async () => {
    const findings = await site.examine()
    expect(alarms(findings)).toEqual([])
    expect(findings.map(({ id, verdict }) => `${verdict} ${id}`)).toEqual(
      expect.arrayContaining([
        'ok ports',
        'ok tls',
        'ok certificate',
        'ok clock',
        'ok ban',
        'hint nat',
        'ok forwarding',
      ]),
    )
  })

  test('finds nothing wrong while a client is connected', async () => {
    await addPeople(site.broker, [{ name: 'alice', password: PASSWORD, enrolled: false }])
    const { port, pin } = site.gateway
    const client = await openconnect({
      place: site.lab.server,
      gateway: `192.0.2.2:${port}`,
      pin,
      user: 'alice',
      answers: [PASSWORD],
      authgroup: 'staff',
    })
    onTestFinished(async () => {
      await client.disconnect()
      // A client that leaves takes the route to its gateway along, and the broker is on the same machine.
      await ip(`-n ${site.lab.server.name} route replace 192.0.2.2 dev client src 192.0.2.1`)
    })
    expect(client.connected, client.seen()).toBe(true)
    expect(await client.tunAddress()).toMatch(/^10\.8\.0\./)
    expect(alarms(await site.examine())).toEqual([])
  })

  test.concurrent.for(SETTINGS)(
    'names %s, and nothing else',
    async ([, edits, alarm, says], { expect: own }) => {
      expectAlarm(own, await site.examine(edits), alarm, says)
    },
  )

  test.each(FIREWALLS)('names a firewall with %s, and nothing else', async (_what, rules, alarm, says) => {
    await nft(`table inet lab {\n${rules.replaceAll('PORT', String(site.gateway.port))}\n}`)
    onTestFinished(async () => void (await nft('delete table inet lab')))
    expectAlarm(expect, await site.examine(), alarm, says)
  })

  test('takes a firewall that lets clients through, and one that translates, for sound', async () => {
    const { port } = site.gateway
    await nft(`table inet lab {
      chain input { type filter hook input priority 0; policy drop; iif lo accept; ct state established accept; tcp dport ${port} accept; udp dport { 53, ${port} } accept; }
      chain clients { accept; }
      chain forward { type filter hook forward priority 0; policy drop; iifname "vpns*" jump clients; }
      chain post { type nat hook postrouting priority 100; ip saddr { 10.8.0.0/24, 10.200.0.0/24 } masquerade; }
    }`)
    onTestFinished(async () => void (await nft('delete table inet lab')))
    const findings = await site.examine()
    expect(alarms(findings)).toEqual([])
    expect(findings.find(({ id }) => id === 'nat')).toMatchObject({ verdict: 'ok' })
  })

  test('names forwarding that is off', async () => {
    const set = (value: number) =>
      outputOf(site.machine, 'sysctl', ['-q', '-w', `net.ipv4.ip_forward=${value}`])
    await set(0)
    onTestFinished(async () => void (await set(1)))
    expectAlarm(expect, await site.examine(), 'fault forwarding', /reach nothing/)
  })

  test('names an address of this host within a pool', async () => {
    await ip(`-n ${site.machine.name} address add 10.8.0.9/32 dev cable`)
    onTestFinished(() => ip(`-n ${site.machine.name} address del 10.8.0.9/32 dev cable`))
    expectAlarm(expect, await site.examine(), 'fault host-networks', /10\.8\.0\.9\/32/)
  })

  test('names a broker that does not answer, and one that does not run', async () => {
    await nft(`table inet lab {\n${SILENCE}\n}`)
    expectAlarm(expect, await site.examine(), 'fault reach', /no answer comes/)
    await nft('delete table inet lab')
    const { authPort, acctPort } = site.broker
    const [auth, acct] = [await freePort(), await freePort()]
    const expectation = changed(({ broker, ...rest }) => ({
      ...rest,
      broker: { ...broker, authPort: auth, acctPort: acct },
    }))
    const edits: Edit[] = [
      ['radiusclient.conf', String(authPort), String(auth)],
      ['radiusclient.conf', String(acctPort), String(acct)],
    ]
    const findings = await site.examine(edits, { args: ['--expect', expectation] })
    expectAlarm(expect, findings, 'fault reach', /nobody listens/)
  })

  /** What the broker printed, with a change. */
  function changed(change: (expectation: Expectation) => Expectation): string {
    const folder = temporaryFolder('expectation')
    onTestFinished(folder.remove)
    const file = folder.file('expect.json')
    writeFileSync(
      file,
      JSON.stringify(change(JSON.parse(readFileSync(site.expectFile, 'utf8')) as Expectation)),
    )
    return file
  }

  test('names what a policy gives and this gateway does not', async () => {
    const withPolicy = (more: object) =>
      changed(({ policies, ...rest }) => ({
        ...rest,
        policies: policies.map((policy) => ({ ...policy, ...more })),
      }))
    const examine = (file: string) => site.examine([], { args: ['--expect', file] })
    expectAlarm(expect, await examine(withPolicy({ hasIpv6: true })), 'warning ipv6-network', /policy staff/)
    expectAlarm(
      expect,
      await examine(withPolicy({ dns: ['192.0.2.53'] })),
      'warning dns-route',
      /192\.0\.2\.53/,
    )
  })

  test('names ports that another program holds, or nobody', async () => {
    const [held, free] = [await freePort(), await freePort()]
    const script = `require('node:net').createServer().listen(${held}, () => console.log('holds'))`
    const holder = site.machine.start(process.execPath, ['--eval', script])
    onTestFinished(() => holder.stop())
    await holder.waitForOutput(/holds/)
    const tcp = (port: number): Edit[] => [[CONF, /^tcp-port = .*$/m, `tcp-port = ${port}`]]
    expectAlarm(expect, await site.examine(tcp(held)), 'fault ports', /is held by node/)
    expectAlarm(expect, await site.examine(tcp(free)), 'fault ports', /does not run/)
  })

  test('names a certificate that is over, of another key or with an open key', async () => {
    const folder = temporaryFolder('certificates')
    onTestFinished(folder.remove)
    const [key, other, expired, open] = ['key.pem', 'other.pem', 'expired.pem', 'open.pem'].map(folder.file)
    for (const file of [key, other])
      await outputOf(thisMachine, 'certtool', ['--generate-privkey', '--ecc', '--outfile', String(file)])
    const template = folder.file('template')
    const dates = 'activation_date = "2020-01-01 00:00:00"\nexpiration_date = "2021-01-01 00:00:00"\n'
    writeFileSync(template, `cn = gateway\n${dates}tls_www_server\n`)
    const signing = ['--generate-self-signed', '--load-privkey', String(key), '--template', template]
    await outputOf(thisMachine, 'certtool', [...signing, '--outfile', String(expired)])
    const use = (name: string, file: string | undefined): Edit => [
      CONF,
      new RegExp(`^${name} = .*$`, 'm'),
      `${name} = ${file}`,
    ]
    const over = await site.examine([use('server-cert', expired), use('server-key', key)])
    expectAlarm(expect, over, 'fault certificate', /expired/)
    expectAlarm(expect, await site.examine([use('server-key', other)]), 'fault certificate', /is not the key/)
    copyFileSync(site.gateway.file('key.pem'), String(open))
    chmodSync(String(open), 0o644)
    expectAlarm(
      expect,
      await site.examine([use('server-key', open)]),
      'warning certificate',
      /read by others/,
    )
  })

  test('names a TLS that no client of today speaks', async () => {
    const old = await startGateway(site, ['tls-priorities = "NORMAL:-VERS-ALL:+VERS-TLS1.0:%COMPAT"'])
    onTestFinished(old.stop)
    expectAlarm(expect, await site.examine([], { of: old }), 'fault tls', /no connection/)
  })

  test('names a clock that is a minute off', async () => {
    const env = { LD_PRELOAD: FAKETIME, FAKETIME: '+60s', FAKETIME_DONT_FAKE_MONOTONIC: '1' }
    expectAlarm(expect, await site.examine([], { env }), 'warning clock', /(59|60) s off/)
  })

  test('names a client that ocserv has banned', async () => {
    const { port, pin } = site.gateway
    const answers = ['wrong', 'wrong', 'wrong']
    const gateway = `192.0.2.2:${port}`
    // Each guess is 10 points, and 20 are a ban.
    for (let round = 0; round < 2; round += 1)
      await openconnect({ place: site.lab.server, gateway, pin, user: 'alice', answers }).then((client) =>
        client.disconnect(),
      )
    expectAlarm(expect, await site.examine(), 'warning ban', /192\.0\.2\.1/)
    await site.gateway.occtl('unban', 'ip', '192.0.2.1').catch(() => undefined)
    expect(alarms(await site.examine())).toEqual([])
  })
})
