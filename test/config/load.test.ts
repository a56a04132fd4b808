import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { replyRules } from '../../src/app/reply-rules.ts'
import { loadConfig } from '../../src/config/load.ts'
import { PORTAL } from '../../src/login/flow.ts'
import { temporaryFolder } from '../real/folder.ts'
import { configOf, faultOf, faultsOf, GATEWAY, load, warningsOf } from './loading.ts'

const SECRET = 'secret: a-secret-of-good-length'
const PAM = 'type: pam'

/** Key, value, whole, name and file: each line with a fault says which in its comment. */
const TEN_FAULTS = `
radius:
  deadlin: 5s                            # 1: a key that there is not
  auth_port: 70000                       # 2: out of range
gateways:
  - name: gw1
    address: 10.1.0.0/8                  # 3: bits behind the prefix
    secret: a-secret-of-good-length
  - name: gw2
    address: 192.0.2.0/24
    secret: short                        # 4: too short
  - name: gw3
    address: [192.0.2.0/24, 198.51.100.1] # 5: the network of gw2
    secret_file: not-there.secret        # 6: no such file
identity:
  order: [local, locall]                 # 7: no such store
second_factor:
  mode: challange                        # 8: no such value
  answer_within: 120                     # 9: no unit
lockout: { for: 2h, up_to: 1h }          # 10: at odds with each other
policies:
  - name: staff
    when: { gateways: [gw1, gw2] }
    reply: { routes: [10.0.0.0/8] }
`

describe('all faults at once', () => {
  test('ten faults in keys, values, cross-checks and files are ten, each with line and path', async () => {
    const found = (await faultsOf(TEN_FAULTS)).map(({ path, line }) => [line, path])
    expect(found).toEqual([
      [3, 'radius.deadlin'],
      [4, 'radius.auth_port'],
      [7, 'gateways[0].address'],
      [11, 'gateways[1].secret'],
      [13, 'gateways[2].address[0]'],
      [14, 'gateways[2].secret_file'],
      [16, 'identity.order[1]'],
      [18, 'second_factor.mode'],
      [19, 'second_factor.answer_within'],
      [20, 'lockout.up_to'],
    ])
  })

  test('each of the ten has a suggestion', async () => {
    const suggestions = (await faultsOf(TEN_FAULTS)).map(({ suggestion }) => suggestion ?? '')
    const hints = [
      /deadline/,
      /65535 or less/,
      /10\.0\.0\.0\/8/,
      /urandom/,
      /one of them/,
      /urandom/,
      /local\b/,
    ]
    for (const [index, hint] of [...hints, /challenge/, /120s/, /as large/].entries())
      expect(suggestions[index]).toMatch(hint)
  })

  test('a section is cross-checked although another has a fault, and a key although its neighbour has one', async () => {
    const found = await faultsOf(`${GATEWAY}limits: nonsense\nlockout: { for: 2h, up_to: 1h, after: many }`)
    expect(found.map(({ path }) => path)).toEqual(['limits', 'lockout.after', 'lockout.up_to'])
  })

  test('a policy that names a gateway with a fault of its own is not blamed for it', async () => {
    const policies = 'policies: [{ name: p, when: { gateways: [gw1] }, deny: true }]'
    const gateways = 'gateways: [{ name: gw1, address: 192.0.2, secret: a-secret-of-good-length }]'
    expect((await faultOf(`${gateways}\n${policies}`)).path).toBe('gateways[0].address')
  })
})

describe('a wrong value or key', () => {
  test('is quoted without control characters', async () => {
    const { problem } = await faultOf(`${GATEWAY}log: { level: "\\e[2J\\x9b2J\u202e" }`)
    expect(problem).toMatch(/^"[ -~]+" is not one of/)
  })

  test.each([
    ['radius: { auth-port: 1 }', 'radius.auth-port', 'did you mean auth_port?'],
    ['radius: { colour: red }', 'radius.colour', 'known here: address, auth_port'],
    ['second_facto: {}', 'second_facto', 'did you mean second_factor?'],
    ['sqlite: x.db', 'sqlite', 'it belongs under storage'],
    ['radius: { auth_port: "1812" }', 'radius.auth_port', 'write 1812, without quotes'],
    ['radius: { deadline: 5 sec }', 'radius.deadline', 'write 5s'],
    ['radius: { deadline: 2m }', 'radius.deadline', 'write 60s or less'],
    ['radius: { deadline: 10ms }', 'radius.deadline', 'write 500ms or more'],
    ['radius: { address: localhost }', 'radius.address', 'write 127.0.0.1'],
    ['radius: { address: ["::", 127.0.0.1] }', 'radius.address[0]', 'keep :: alone'],
    ['radius: { address: [127.0.0.1, 127.0.0.1] }', 'radius.address[1]', 'keep one'],
    ['radius: { locale: zh_CN }', 'radius.locale', 'did you mean zh-CN?'],
    ['second_factor: { required: yes }', 'second_factor.required', 'write true'],
    ['second_factor: { tries: 2.4 }', 'second_factor.tries', 'write 2'],
    ['second_factor: { totp: { digits: 5 } }', 'second_factor.totp.digits', undefined],
    ['second_factor: { totp: { digits: "6" } }', 'second_factor.totp.digits', 'write 6, without quotes'],
    ['second_factor: { totp: { period: 30500ms } }', 'second_factor.totp.period', 'write 31s'],
    ['limits: { user: 10/min }', 'limits.user', 'write 10/1m'],
    ['limits: { user: 10 }', 'limits.user', 'write 10/1m'],
    ['limits: { user: 0/1m }', 'limits.user', 'write 10/1m'],
    ['storage: { sqlite: ~/broker.db }', 'storage.sqlite', 'write the folder out'],
    ['storage: { sqlite: a, key_file: ./a }', 'storage.key_file', undefined],
    ['log: { level: warning }', 'log.level', 'did you mean warn?'],
    ['log: { level: }', 'log.level', 'give one, or remove the key'],
    ['identity: { odrer: [local] }', 'identity.odrer', 'did you mean order?'],
    ['identity: { corp: { type: lokal } }', 'identity.corp.type', 'did you mean local?'],
    ['identity: { corp: { type: local } }', 'identity.corp', undefined],
    ['identity: { order: local }', 'identity.order', 'as a list of one'],
    ['identity: { order: [local, local] }', 'identity.order[1]', 'keep one'],
    ['policies:', 'policies', 'remove the key'],
    ['policies: [{ name: p }]', 'policies[0]', 'deny: true, or reply: {}'],
    ['policies: [{ name: p, deny: true, reply: {} }]', 'policies[0]', 'keep one of the two'],
    ['policies: [{ name: p, deny: 0, reply: {} }]', 'policies[0].deny', 'write false'],
    ['policies: [{ name: p, dney: true }]', 'policies[0].dney', 'did you mean deny?'],
    ['policies: [{ name: p, deny: false }]', 'policies[0]', 'deny: true, or reply: {}'],
    ['policies: [{ name: p, when: { groups: [] }, deny: true }]', 'policies[0].when.groups', 'add an entry'],
    ['policies: [{ name: p, when: { group: [a] }, deny: true }]', 'policies[0].when.group', 'groups'],
    ['policies: [{ name: p, when: { gateways: [gw2] }, deny: true }]', 'policies[0].when.gateways[0]', 'gw1'],
    ['policies: [{ name: p, deny: true }, { name: q, deny: true, x: 1 }]', 'policies[1].x', 'known here'],
    ['lockout: { after: 30 }', 'lockout.after', 'lockout.user_after as large as lockout.after'],
    ['lockout: { after: 9, hard_after: 8 }', 'lockout.hard_after', 'as large'],
    [
      'identity: { order: [up], up: { type: radius, servers: [{ host: a, secret: short }] } }',
      'identity.up.servers[0].secret',
      'urandom',
    ],
    ['second_factor: { mode: only, required: false }', 'second_factor.required', 'another mode'],
  ])('%s', async (text, path, suggestion) => {
    const fault = await faultOf(`${GATEWAY}${text}`)
    expect(fault).toMatchObject({ path, line: 2 })
    if (suggestion === undefined) expect(fault.suggestion).toBeUndefined()
    else expect(fault.suggestion).toContain(suggestion)
  })

  test.each([
    ['gateways: []', 'gateways', 'is an empty list'],
    ['gateways:', 'gateways', 'is missing'],
    ['radius: {}\npolicies: [{ name: all, reply: {} }]', 'gateways', 'is missing'],
    [`${GATEWAY}# no policies`, 'policies', 'is missing'],
    [`gateways: [{ name: a, adress: 192.0.2.1, ${SECRET} }]`, 'gateways[0].adress', 'unknown key'],
    ['gateways: [{ name: a, address: 192.0.2.1, secrt: abc }]', 'gateways[0].secrt', 'unknown key'],
    ['gateways: [{ name: a, address: 192.0.2.1 }]', 'gateways[0]', 'has no shared secret'],
    [
      `gateways: [{ name: a, address: 10.0.0.0/255.0.0.0, ${SECRET} }]`,
      'gateways[0].address',
      'not an address',
    ],
    [`gateways: [{ name: "a b", address: 192.0.2.1, ${SECRET} }]`, 'gateways[0].name', 'is not a name'],
    [`gateways: [{ name: 7, address: 192.0.2.1, ${SECRET} }]`, 'gateways[0].name', 'is a number'],
    [`gateways: { name: a, address: 192.0.2.1, ${SECRET} }`, 'gateways', 'must be a list'],
    [`gateways: [{ name: a, address: 192.0.2.256, ${SECRET} }]`, 'gateways[0].address', 'not an address'],
    [
      `gateways: [{ name: a, address: vpn_.example..org, ${SECRET} }]`,
      'gateways[0].address',
      'not an address',
    ],
    [`gateways: [{ name: a, address: "fe80::1", ${SECRET} }]`, 'gateways[0].address', 'link-local'],
    [
      `gateways: [{ name: a, address: "2001:db8::1%eth0", ${SECRET} }]`,
      'gateways[0].address',
      'an interface',
    ],
    [
      `gateways: [{ name: a, address: gw.example.net, ${SECRET}, nas_identifier: [x, x] }]`,
      'gateways[0].address',
      'gw.example.net with NAS-Identifier x is given twice',
    ],
    [
      `gateways: [{ name: a, address: 192.0.2.1, ${SECRET}, on_outage: drop }]`,
      'gateways[0].on_outage',
      'not one',
    ],
  ])('a mistake in the gateways is reported once: %s', async (text, path, problem) => {
    const fault = await faultOf(text)
    expect(fault).toMatchObject({ path, problem: expect.stringContaining(problem) })
  })

  test('gateways may have DNS names, link-local addresses, and one address with a NAS-Identifier each', async () => {
    const gateways = [
      { name: 'a', address: ['VPN.Example.org.', 'fe80::1%eth0', 'fe80:0::%eth1/64'], nas_identifier: 'fra' },
      { name: 'b', address: 'vpn.example.org', nas_identifier: ['ber', 'muc'] },
      { name: 'c', address: 'vpn.example.org' },
    ].map((gateway) => ({ ...gateway, secret: 'a-secret-of-good-length' }))
    const config = await configOf(JSON.stringify({ gateways, policies: [{ name: 'p', deny: true }] }))
    expect(config.gateways).toMatchObject([
      {
        hosts: ['vpn.example.org'],
        networks: [
          { text: 'fe80::1/128', zone: 'eth0' },
          { text: 'fe80::/64', zone: 'eth1' },
        ],
        nasIdentifiers: ['fra'],
      },
      { hosts: ['vpn.example.org'], networks: [], nasIdentifiers: ['ber', 'muc'] },
      { hosts: ['vpn.example.org'], nasIdentifiers: [] },
    ])
  })

  test('two gateways with one name, or with one network in any spelling, are faults', async () => {
    const found = await faultsOf(`
gateways:
  - { name: a, address: [192.0.2.7, "2001:db8::/32"], secret: a-secret-of-good-length }
  - { name: a, address: 192.0.2.7/32, secret: a-secret-of-good-length }
  - { name: c, address: "2001:0db8:0::/32", secret: a-secret-of-good-length }
  - { name: d, address: [192.0.2.0/24, 192.0.2.0/24], secret: a-secret-of-good-length }
`)
    expect(found.map(({ path, problem }) => [path, problem])).toEqual([
      ['gateways[1].name', 'a is already the name of gateways[0]'],
      ['gateways[1].address', '192.0.2.7/32 belongs to gateway a and to gateway a'],
      ['gateways[2].address', '2001:db8::/32 belongs to gateway a and to gateway c'],
      ['gateways[3].address[1]', '192.0.2.0/24 is given twice'],
    ])
  })

  test('a gateway must not have the name of the broker’s own pages', async () => {
    const fault = await faultOf(`gateways: [{ name: ${PORTAL}, address: 192.0.2.1, ${SECRET} }]`)
    expect(fault).toMatchObject({ path: 'gateways[0].name', suggestion: expect.stringContaining('another') })
  })

  test('the secret of another RADIUS server is as long as that of a gateway, in a file, too', async () => {
    const text = `${GATEWAY}identity: { order: [up], up: { type: radius, servers: [{ host: a, secret_file: up.secret }] } }`
    const loaded = await load(text, (folder) =>
      writeFileSync(folder.file('up.secret'), 'short\n', { mode: 0o600 }),
    )
    expect(loaded).toMatchObject({ faults: [{ path: 'identity.up.servers[0].secret_file' }] })
  })

  test('a longer prefix inside the network of another gateway is no fault', async () => {
    const { gateways } = await configOf(`
gateways:
  - { name: a, address: 192.0.2.0/24, secret: a-secret-of-good-length }
  - { name: b, address: 192.0.2.7, secret: a-secret-of-good-length }
`)
    expect(gateways.map(({ networks }) => networks.map(({ text }) => text))).toEqual([
      ['192.0.2.0/24'],
      ['192.0.2.7/32'],
    ])
  })
})

describe('the text of the file', () => {
  test.each([
    ['gateways: [1, 2 # no policies', 1, /indentation/],
    ['radius:\n\taddress: ::1', 2, /tab/],
    ['radius: { address: "::1 }', 1, /missing/],
    ['a: b: c', 1, /second "key:"/],
    ['a: 1\n---\nb: 2', 2, /second document/],
    ['a: *b', 1, /"\*"/],
    ['a: !b c', 1, /"!"/],
    ['a: @b', 1, /YAML reserves/],
    ['secret:abc\nname: x', 1, /": "/],
    ['? [a]\n: 1', 1, /not plain text/],
    ['just words\nradius: {}\nlog: {}\nlimits: {}', 1, /": "/],
    ['- a\nradius: {}\nlog: {}\nlimits: {}', 2, /not YAML/],
    ['- a\nb', 2, /not YAML/],
  ])('%j has one fault, on line %i', async (text, line, problem) => {
    const fault = await faultOf(text)
    expect(fault).toMatchObject({ path: '', line })
    expect(fault.problem).toMatch(problem)
  })

  test('a key that is given twice is a fault beside the others', async () => {
    const found = await faultsOf(
      `${GATEWAY}radius: { auth_port: 1, auth_port: 2 }\nlog:\n  level: x\nradius: {}`,
    )
    expect(found.map(({ path, line }) => [line, path])).toEqual([
      [2, 'radius.auth_port'],
      [4, 'log.level'],
      [5, 'radius'],
    ])
  })

  test('a key given twice inside a list has its position in its path', async () => {
    const gateways =
      'gateways:\n  - name: a\n    address: 192.0.2.1\n    secret: aaaaaaaaaaaaaaaa\n    name: b'
    expect(await faultOf(gateways)).toMatchObject({ path: 'gateways[0].name', line: 5 })
  })

  test('an anchor serves two places, and a fault in it has a line', async () => {
    const text = 'a: &x 1\n'
    const both = `${GATEWAY}limits: { user: &r 7/1m, address: *r }`
    expect((await configOf(both)).limits.address).toEqual({ points: 7, windowMs: 60_000 })
    expect(await faultOf(`${GATEWAY}${text}`)).toMatchObject({ path: 'a', line: 2 })
  })

  test('aliases that multiply are refused', async () => {
    const levels = Array.from({ length: 8 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i},*a${i},*a${i},*a${i}]`)
    expect((await faultOf(`a0: &a0 [x]\n${levels.join('\n')}`)).problem).toContain('aliases')
  })

  test('an empty file, a list and another encoding are each one clear fault', async () => {
    expect((await faultOf('')).problem).toContain('gateways:')
    expect((await faultOf('- a')).problem).toContain('gateways:')
    const [fault] = await faultsOf(Buffer.from(`# \xc5\xe4\xd6\xc3\n${GATEWAY}`, 'latin1'))
    expect(fault).toMatchObject({ path: '', suggestion: 'save it with the encoding UTF-8' })
  })

  test('a section whose lines are all commented out counts as absent', async () => {
    const loaded = await configOf(`${GATEWAY}radius:\n  #address: x\nlimits:\nlog:\n`)
    expect(loaded).toEqual(await configOf(GATEWAY))
  })

  test('every content of the file is reported as faults, never thrown', async () => {
    const folder = temporaryFolder('config')
    const file = folder.file('broker.yaml')
    const key = fc.constantFrom(
      'gateways',
      'radius',
      'identity',
      'policies',
      'when',
      'reply',
      'attributes',
      'name',
    )
    const more = fc.constantFrom(
      'address',
      'order',
      'type',
      'routes',
      'dns',
      'groups',
      'secret',
      '__proto__',
      'local',
    )
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom(null, true, 0, -1, 1.5, '', 'x', '5s', '10.0.0.0/8', '2001:db8::', 'constructor'),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(fc.oneof(key, more), tie('tree'), { maxKeys: 5 }),
      ),
    }))
    try {
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(
            tree.map((value) => JSON.stringify(value)),
            fc.string(),
          ),
          async (text) => {
            writeFileSync(file, text)
            const loaded = await loadConfig(file, {}, replyRules)
            const found = 'faults' in loaded ? loaded.faults : loaded.warnings
            for (const { problem } of found) expect(problem).not.toMatch(/undefined|\[object|NaN/)
          },
        ),
        { numRuns: 300 },
      )
    } finally {
      await folder.remove()
    }
  })
})

describe('a missing file', () => {
  test('is reported with a command that makes a valid one', async () => {
    const folder = temporaryFolder('config')
    try {
      const file = folder.file('etc/broker.yaml')
      const loaded = await loadConfig(file, {}, replyRules)
      const [fault] = 'faults' in loaded ? loaded.faults : []
      expect(fault?.problem).toBe(`${file} cannot be read: there is no such file`)
      const [, shipped = ''] = /^run: install -D -m 640 (\S+) \S+$/.exec(fault?.suggestion ?? '') ?? []
      writeFileSync(folder.file('broker.yaml'), readFileSync(shipped))
      expect(await loadConfig(folder.file('broker.yaml'), {}, replyRules)).toHaveProperty('config')
    } finally {
      await folder.remove()
    }
  })

  test('is reported with the origin of its name', async () => {
    const loaded = await loadConfig(
      '/nowhere/broker.yaml',
      { OCBROKER_CONFIG: '/nowhere/broker.yaml' },
      replyRules,
    )
    expect(JSON.stringify(loaded)).toContain('named by OCBROKER_CONFIG')
  })

  test('or a folder in its place is reported', async () => {
    expect(JSON.stringify(await loadConfig('/tmp', {}, replyRules))).toContain('/tmp is not a file')
  })
})

describe('the result', () => {
  test('has defaults for all that is left out', async () => {
    expect(await configOf(GATEWAY)).toMatchObject({
      radius: {
        addresses: ['127.0.0.1'],
        authPort: 1812,
        acctPort: 1813,
        deadlineMs: 5000,
        maxInFlight: 2000,
      },
      identity: { order: [{ name: 'local', type: 'local' }] },
      secondFactor: { required: true, mode: 'challenge', tries: 3, answerWithinMs: 120_000 },
      passwords: { waiting: 64 },
      limits: { user: { points: 10, windowMs: 60_000 } },
      lockout: { after: 5, forMs: 300_000, upToMs: 3_600_000, hardAfter: 100, tellUser: true },
      policies: [{ name: 'everyone', when: {}, reply: {} }],
      storage: {
        sqlite: '/var/lib/ocbroker/broker.db',
        keyFile: '/var/lib/ocbroker/seed.key',
        spool: '/var/lib/ocbroker/accounting',
        keepMs: 180 * 24 * 3_600_000,
        keepAuditMs: 365 * 24 * 3_600_000,
        keepUsageMs: 3 * 365 * 24 * 3_600_000,
      },
    })
  })

  test('a gateway has the rule for outages that it names, or that of the broker', async () => {
    const { gateways } = await configOf(`
radius: { on_outage: silent }
gateways:
  - { name: a, address: 192.0.2.1, secret: a-secret-of-good-length }
  - { name: b, address: 192.0.2.2, secret: a-secret-of-good-length, on_outage: reject }
`)
    expect(gateways.map(({ onOutage }) => onOutage)).toEqual(['silent', 'reject'])
  })

  test('relative paths start from the folder of the file', async () => {
    let folder = ''
    const loaded = await load(
      `${GATEWAY}storage: { sqlite: ../a.db, key_file: b/c.key }\nlog: { file: /d.log }`,
      (made) => {
        folder = made.path
      },
    )
    expect(loaded).toMatchObject({
      config: {
        storage: {
          sqlite: folder.replace(/[^/]+$/, 'a.db'),
          keyFile: `${folder}/b/c.key`,
          spool: `${folder}/b/accounting`,
        },
        log: { file: '/d.log' },
      },
    })
  })

  test('has policies in the domain’s units and spelling', async () => {
    const { policies } = await configOf(`${GATEWAY}
policies:
  - name: staff
    when: { groups: [staff], networks: ["2001:db8:0::/48"] }
    reply:
      netmask: 255.255.252.0
      routes: [10.0.0.0/8, "2001:0db8::/32", 0.0.0.0/0]
      dns: [10.0.0.53, "2001:db8::0:53"]
      groups: [staff, 研发]
      session_timeout: 12h
      interim: 5m
      upstream_speed: 1000
      attributes: { Framed-Compression: None }
  - { name: others, deny: true }
`)
    expect(policies).toMatchObject([
      {
        name: 'staff',
        when: { groups: ['staff'], networks: [{ text: '2001:db8::/48' }] },
        reply: {
          netmask: '255.255.252.0',
          routes: ['10.0.0.0/8', '2001:db8::/32', '0.0.0.0/0'],
          dns: ['10.0.0.53', '2001:db8::53'],
          groups: ['staff', '研发'],
          sessionTimeout: 43_200,
          interim: 300,
          upstreamSpeed: 1000,
          attributes: { 'Framed-Compression': 'None' },
        },
      },
      { name: 'others', when: {} },
    ])
    expect(policies[1]).toMatchObject({ reply: undefined })
  })
})

describe('warnings', () => {
  test.each([
    ['second_factor: { totp: { digits: 8 } }', 'second_factor.totp.digits', '8 is ignored by several'],
    ['second_factor: { totp: { period: 60s } }', 'second_factor.totp.period', '60s is ignored by several'],
    ['second_factor: { totp: { algorithm: sha256 } }', 'second_factor.totp.algorithm', 'sha256 is ignored'],
    [
      'policies: [{ name: a, reply: {} }, { name: b, deny: true }]',
      'policies[1]',
      'a before it applies to everybody',
    ],
    [
      'policies: [{ name: a, when: {}, reply: {} }, { name: b, deny: true }]',
      'policies[1]',
      'never applies: ',
    ],
    ['policies: []', 'policies', 'no user gets in'],
    ['second_factor: { totp: { window: 3 } }', 'second_factor.totp.window', 'accepts 7 codes'],
    ['lockout: { hard_after: 200 }', 'lockout.hard_after', 'NIST'],
    ['lockout: { exempt: [10.0.0.0/8, 0.0.0.0/0] }', 'lockout.exempt[1]', 'exempts everybody'],
    ['lockout: { exempt: [128.0.0.0/1] }', 'lockout.exempt[0]', 'a large part'],
    ['lockout: { exempt: ["2001:db8::/32", "2000::/3"] }', 'lockout.exempt[1]', 'a large part'],
    ['passwords: { waiting: 10000, parallel: 1 }', 'passwords.waiting', 'wait 200 s'],
    [
      `identity: { order: [a, b], a: { ${PAM}, realms: [Corp] }, b: { ${PAM}, realms: [x, corp] } }`,
      'identity.b.realms[1]',
      'is also a realm of a',
    ],
    [
      `identity: { order: [system, local], system: { ${PAM}, unknown: never, strip_realm: true } }`,
      'identity.system.unknown',
      'rejects users that PAM does not know',
    ],
    [
      'identity: { order: [up], up: { type: radius, servers: [{ host: a, secret: a-secret-of-good-length }] } }',
      'identity.up',
      'each with a second factor of their own',
    ],
    [
      `identity: { order: [a], a: { ${PAM}, unknown: never } }`,
      'identity.a',
      'each with a second factor of their own',
    ],
    [
      `identity: { order: [up], up: { type: radius, servers: [{ host: a, secret: fourteen-signs }], realms: [up] } }`,
      'identity.up.servers[0].secret',
      '14 characters; 16 or more',
    ],
    [
      'identity: { order: [local, sys], sys: { type: pam, timeout: 1900ms } }',
      'identity.sys.timeout',
      'slow to refuse a wrong password',
    ],
    [
      'identity: { order: [local, sys], sys: { type: pam, timeout: 4800ms } }',
      'identity.sys.timeout',
      'a slow refusal tells which names the store knows',
    ],
    [
      `identity: { order: [corp], corp: { type: ldap, urls: ["ldaps://a"], user_base: "dc=a", shield: { threshold: 5 } } }`,
      'identity.corp.shield',
      'lets an attacker see which names the directory has',
    ],
    [
      'identity: { order: [local, sys], sys: { type: pam, on_unavailable: continue } }\nradius: { deadline: 4s }',
      'identity.sys',
      'slow to refuse a wrong password',
    ],
  ])('%s', async (text, path, problem) => {
    const [warning, ...others] = await warningsOf(`${GATEWAY}${text}`)
    expect(others).toEqual([])
    expect(warning).toMatchObject({ path, line: 2 })
    expect(warning?.problem).toContain(problem)
  })

  test('a gateway with all addresses is a warning', async () => {
    const text = 'gateways: [{ name: a, address: 0.0.0.0/0, secret: a-secret-of-good-length }]'
    expect(await warningsOf(text)).toMatchObject([{ path: 'gateways[0].address' }])
  })

  test.each([
    '',
    'lockout: { exempt: [10.0.0.0/8, "2001:db8::/32"] }',
    'passwords: { waiting: 64, parallel: 1 }',
    'identity: { order: [local, sys], sys: { type: pam, timeout: 4500ms } }',
    'lockout: { tell_user: false }\nidentity: { order: [corp], corp: { type: ldap, urls: ["ldaps://a"], user_base: "dc=a", shield: { threshold: 5 } } }',
    `identity: { order: [a, b], a: { ${PAM}, realms: [x] }, b: { ${PAM}, realms: [y], unknown: never } }`,
    `identity: { order: [a, local], a: { ${PAM}, gateways: [gw1], unknown: never, strip_realm: false } }`,
  ])('a valid file has none: %j', async (text) => {
    expect(await warningsOf(`${GATEWAY}${text}`)).toEqual([])
  })
})

test('loading changes nothing, so it can be repeated', async () => {
  const folder = temporaryFolder('config')
  try {
    writeFileSync(folder.file('broker.yaml'), `${GATEWAY}storage: { sqlite: a/b.db, key_file: a/c.key }`)
    const first = await loadConfig(folder.file('broker.yaml'), {}, replyRules)
    expect(await loadConfig(folder.file('broker.yaml'), {}, replyRules)).toEqual(first)
    expect(readdirSync(folder.path)).toEqual(['broker.yaml'])
  } finally {
    await folder.remove()
  }
})
