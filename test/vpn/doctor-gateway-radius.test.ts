import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeWith, TUNNEL_NEEDS } from '../real/needs.ts'
import { ip } from '../real/netns.ts'
import { outputOf } from '../real/process.ts'
import { loginRequest } from '../real/radius-socket.ts'
import { alarms, type Edit, expectAlarm, SECRET, type Site, startSite } from './examined-gateway.ts'

/** What was done to the gateway, the one alarm that it must lead to, and what that must say. */
type Fault = readonly [what: string, edits: readonly Edit[], alarm: string, says: RegExp]

const CONF = 'ocserv.conf'
const RADCLI = 'radiusclient.conf'
const AUTH_LINE = /^auth = .*$/m
const FAULTS: readonly Fault[] = [
  ['another method', [[CONF, AUTH_LINE, 'auth = "pam"']], 'fault auth-radius', /never asked/],
  [
    'a second method',
    [
      [
        CONF,
        /^server-cert = (.*)$/m,
        '$&\nenable-auth = "certificate"\nca-cert = $1\ncert-user-oid = 2.5.4.3',
      ],
    ],
    'warning auth-radius',
    /certificate/,
  ],
  ['no groupconfig', [[CONF, ',groupconfig=true', '']], 'fault groupconfig', /not true/],
  ['groupconfig=1', [[CONF, 'groupconfig=true', 'groupconfig=1']], 'fault groupconfig', /not true/],
  ['no accounting', [[CONF, /^acct = .*\n/m, '']], 'fault acct', /never freed/],
  ['no acctserver', [[RADCLI, /^acctserver .*\n/m, '']], 'fault acct', /every login is denied/],
  [
    'a line that no ocserv takes',
    [[CONF, AUTH_LINE, '$&\nenable-auth = "plain[passwd=/etc/ocserv/passwd]"']],
    'fault ocserv-conf',
    /cannot mix/,
  ],
  ['a blank before a key', [[RADCLI, 'bindaddr', ' bindaddr']], 'fault radcli-syntax', /begins with a blank/],
  [
    'an unknown key',
    [[RADCLI, 'bindaddr', 'nas_identifier gw\nbindaddr']],
    'fault radcli-syntax',
    /not a key/,
  ],
  ['no tries', [[RADCLI, 'radius_retries 1', 'radius_retries 0']], 'fault radcli-syntax', /radius_retries/],
  [
    'no last newline',
    [[RADCLI, 'bindaddr *\n', 'bindaddr *\nradius_deadtime 10']],
    'fault radcli-syntax',
    /cut off/,
  ],
  ['no servers file', [[RADCLI, /^servers .*$/m, 'servers $FOLDER/none']], 'fault radcli-files', /none/],
  ['no dictionary', [[RADCLI, /^dictionary .*$/m, 'dictionary $FOLDER/none']], 'fault radcli-files', /none/],
  ['a lost include', [['dictionary', /$/, '$INCLUDE $FOLDER/lost\n']], 'fault radcli-files', /lost/],
  [
    'swapped ports',
    [[RADCLI, /:(\d+)\nacctserver (.*):(\d+)/, ':$3\nacctserver $2:$1']],
    'fault server-address',
    /other kind/,
  ],
  ['a wrong port', [[RADCLI, /^(authserver .*):\d+$/m, '$1:9']], 'fault server-address', /port 9 is not/],
  [
    'a wrong server',
    [[RADCLI, /^authserver 192.0.2.1/m, 'authserver 192.0.2.2']],
    'fault server-address',
    /192\.0\.2\.2 is not/,
  ],
  [
    'a comment behind the server',
    [[RADCLI, /^authserver .*$/m, '$& # the broker']],
    'warning server-address',
    /"#"/,
  ],
  [
    'another source address',
    [[RADCLI, 'bindaddr *', 'bindaddr 192.0.2.22']],
    'fault source-address',
    /192\.0\.2\.22/,
  ],
  ['a wrong secret', [['servers', SECRET, 'something-else']], 'fault secret', /line 1/],
  ['a secret in quotes', [['servers', SECRET, `"${SECRET}"`]], 'fault secret', /quotes/],
  ['an earlier line', [['servers', /^/, '192.0.2.1 old-secret\n']], 'fault secret', /line 2 .* never counts/],
  ['a port in servers', [['servers', '192.0.2.1', '192.0.2.1:1812']], 'fault secret', /without port/],
  ['a secret in authserver', [[RADCLI, /^(authserver \S+)$/m, '$1:old']], 'fault secret', new RegExp(RADCLI)],
  ['a short wait', [[RADCLI, 'radius_timeout 6', 'radius_timeout 5']], 'fault wait', /5 s is not more/],
  ['no vendor', [['dictionary', /^\$INCLUDE .*microsoft$/m, '']], 'fault dictionary', /311/],
  [
    'a foreign realm',
    [[RADCLI, /^default_realm.*$/m, 'default_realm corp.example']],
    'fault realm',
    /corp\.example/,
  ],
]

describeWith(TUNNEL_NEEDS, 'doctor on the host of a gateway', () => {
  const resources = new AsyncDisposableStack()
  let site: Site

  beforeAll(async () => {
    site = await startSite(resources)
    await ip(`-n ${site.machine.name} address add 192.0.2.22/24 dev cable`)
  })

  afterAll(() => resources.disposeAsync())

  test('finds nothing wrong with a sound one', async () => {
    expect(alarms(await site.examine())).toEqual([])
    const own = ['--broker', site.broker.configFile]
    expect(alarms(await site.examine([], { args: own }))).toEqual([])
    expect(alarms(await site.examine([], { args: [] }))).toEqual([])
  })

  test('takes a certificate beside the password for sound', async () => {
    const edits: Edit[] = [
      [CONF, AUTH_LINE, 'auth = "certificate"\n$&'],
      [CONF, /^server-cert = (.*)$/m, '$&\nca-cert = $1\ncert-user-oid = 2.5.4.3'],
    ]
    expect(alarms(await site.examine(edits))).toEqual([])
  })

  test.concurrent.for(FAULTS)('names %s, and nothing else', async (fault, { expect: own }) => {
    const [, edits, alarm, says] = fault
    expectAlarm(own, await site.examine(edits), alarm, says)
  })

  test('names what the broker requires and this radcli cannot do', async () => {
    const file = site.broker.folder.file('requires.json')
    const expected = JSON.parse(readFileSync(site.expectFile, 'utf8')) as { entry: object }
    const entry = { ...expected.entry, messageAuthenticator: 'require' }
    writeFileSync(file, JSON.stringify({ ...expected, entry }))
    const findings = await site.examine([], { args: ['--expect', file] })
    expectAlarm(expect, findings, 'fault signs', /1\.2\.11 signs nothing/)
  })

  describe('asking the running broker by the token of the agent', () => {
    let args: readonly string[]
    let httpPort: number

    beforeAll(async () => {
      const { broker, machine } = site
      const made = await broker.ocbroker(['token', 'create', '--name', 'agent', '--scope', 'gateway:gw'])
      const tokenFile = broker.folder.file('agent.token')
      writeFileSync(tokenFile, (made as { token: string }).token, { mode: 0o600 })
      const { http } = JSON.parse(readFileSync(broker.configFile, 'utf8')) as { http: { port: number } }
      httpPort = http.port
      // A token goes unencrypted to the own machine alone; a proxy with TLS would be there in its place.
      const pass = `require('net').createServer((c)=>{const s=require('net').connect(${httpPort},'192.0.2.1');c.pipe(s).pipe(c);for(const x of [c,s])x.on('error',()=>{})}).listen(${httpPort},'127.0.0.1',()=>console.log('passes'))`
      const proxy = machine.start(process.execPath, ['-e', pass])
      resources.defer(async () => proxy.stop())
      await proxy.waitForOutput(/passes/)
      args = ['--broker', `http://127.0.0.1:${httpPort}`, '--name', 'gw', '--token-file', tokenFile]
    })

    test('finds nothing wrong with a sound one', async () => {
      const findings = await site.examine([], { args })
      expect(alarms(findings)).toEqual([])
      expect(findings).toContainEqual(expect.objectContaining({ id: 'broker-http', verdict: 'ok' }))
      expect(findings).toContainEqual(expect.objectContaining({ id: 'secret', verdict: 'ok' }))
    })

    test('names a wrong secret, and nothing else', async () => {
      const findings = await site.examine([['servers', SECRET, 'something-else']], { args })
      expectAlarm(expect, findings, 'fault secret', /line 1/)
    })

    test('names what the broker drops though the files are right', async () => {
      const { broker, machine } = site
      const request = loginRequest({
        secret: 'before-the-last-change',
        user: 'una',
        password: 'x',
        signed: true,
      })
      const octets = request.octets.toString('base64')
      const send = `const s=require('dgram').createSocket('udp4');s.send(Buffer.from('${octets}','base64'),${broker.authPort},'192.0.2.1',()=>s.close())`
      await outputOf(machine, process.execPath, ['-e', send])
      await broker.logUntil('datagram.dropped', { reason: 'bad_message_authenticator' })
      await expect
        .poll(async () => alarms(await site.examine([], { args })), { timeout: 60_000 })
        .toEqual(['fault reach'])
      expectAlarm(
        expect,
        await site.examine([], { args }),
        'fault reach',
        /192\.0\.2\.2 is dropped there: wrong secret/,
      )
    })

    test('names a broker that does not take the token, and looks at the rest', async () => {
      const tokenFile = site.broker.folder.file('no.token')
      writeFileSync(tokenFile, `ocb_${'x'.repeat(43)}`, { mode: 0o600 })
      const findings = await site.examine([], { args: [...args.slice(0, -1), tokenFile] })
      expectAlarm(expect, findings, 'fault broker-http', /refuses the token/)
    })
  })
})
