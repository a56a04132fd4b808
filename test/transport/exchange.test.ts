import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Attempt } from '../../src/domain/attempt.ts'
import type { Gateway, MessageAuthenticatorRule } from '../../src/domain/gateway.ts'
import type { GatewayStore } from '../../src/domain/login-records.ts'
import { parseNetwork } from '../../src/domain/network.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { refuse } from '../../src/domain/refusal.ts'
import { Secret } from '../../src/domain/secret.ts'
import type { AccountingRecord } from '../../src/domain/session.ts'
import { WORDS } from '../../src/domain/words.ts'
import type { Decision } from '../../src/login/decide.ts'
import {
  buildAccessRequest,
  buildAccountingRequest,
  buildStatusServer,
  checkReply,
} from '../../src/radius/authenticators.ts'
import { Attr, Code } from '../../src/radius/codes.ts'
import { encodeAttribute } from '../../src/radius/dictionary.ts'
import { all, decodePacket, first, type NewAttribute } from '../../src/radius/packet.ts'
import { SharedSecret } from '../../src/radius/shared-secret.ts'
import { encryptUserPassword } from '../../src/radius/user-password.ts'
import { Exchange, type Service } from '../../src/transport/exchange.ts'
import { GatewayTable } from '../../src/transport/gateway-table.ts'

const SECRET = new SharedSecret(Buffer.from('a shared secret'))
const SOURCE = '192.0.2.1'

interface StandOptions {
  readonly rule?: MessageAuthenticatorRule
  readonly onOutage?: Gateway['onOutage']
  readonly decide?: (attempt: Attempt) => Promise<Decision>
  readonly deadlineMs?: number
  readonly maxInFlight?: number
  readonly memory?: GatewayStore
}

/** An exchange behind one gateway, with a clock by hand; what it hands on is written down. */
async function stand(options: StandOptions = {}) {
  const { rule = 'off', onOutage = 'reject', memory = rememberer() } = options
  const network = parseNetwork('192.0.2.0/24') ?? expect.unreachable()
  const secret = new Secret('a shared secret')
  const gateway: Gateway = { name: 'gw1', networks: [network], secret, messageAuthenticator: rule, onOutage }
  const time = { now: 0 }
  const clock = { now: () => time.now, monotonic: () => time.now }
  const attempts: Attempt[] = []
  const records: AccountingRecord[] = []
  const dropped: string[] = []
  const warned: unknown[] = []
  const errors: unknown[] = []
  const told: unknown[] = []
  const log = {
    debug() {},
    info: (event: string, fields: unknown) => told.push([event, fields]),
    warn: (event: string, fields: unknown) => warned.push([event, fields]),
    error: (event: string, fields: unknown) => errors.push([event, fields]),
  }
  const exchange = new Exchange({
    gateways: await GatewayTable.open({ gateways: [gateway], memory, log }),
    decide: (attempt) => {
      attempts.push(attempt)
      return options.decide?.(attempt) ?? Promise.resolve(refuse('bad_credentials', 'wrong'))
    },
    keepAccounting: async (record) => {
      records.push(record)
      return record.user !== 'lost'
    },
    reply: { words: WORDS.en, tellLocked: true },
    deadlineMs: options.deadlineMs ?? 1000,
    maxInFlight: options.maxInFlight ?? 100,
    clock,
    random: systemRandom,
    log,
    metrics: {
      dropped: (reason) => dropped.push(reason),
      repeated() {},
      login() {},
      accounting() {},
      pool() {},
    },
  })
  const send = async (
    octets: Buffer,
    more: { service?: Service; source?: string; port?: number; socket?: string } = {},
  ) => exchange.receive({ octets, source: SOURCE, port: 4000, service: 'auth', socket: 'a', ...more })
  return { send, exchange, time, attempts, records, dropped, warned, errors, told }
}

function rememberer(...keys: string[]): GatewayStore {
  const known = new Set(keys)
  return {
    authenticating: async () => [...known],
    remember: async (key) => void known.add(key),
    forget: async (key) => void known.delete(key),
  }
}

interface RequestOptions {
  readonly password?: string | Buffer
  readonly user?: string
  readonly signed?: boolean | 'last'
  readonly secret?: SharedSecret
  readonly identifier?: number
  readonly more?: readonly NewAttribute[]
}

function accessRequest(options: RequestOptions = {}): Buffer {
  const {
    password = 'hunter2',
    user = 'bob',
    signed = false,
    secret = SECRET,
    identifier = 7,
    more = [],
  } = options
  const authenticator = randomBytes(16)
  const value = encryptUserPassword(Buffer.from(password), authenticator, secret)
  const attributes = [encodeAttribute('User-Name', user), { type: Attr.UserPassword, value }, ...more]
  return buildAccessRequest({ identifier, authenticator, attributes, secret, messageAuthenticator: signed })
}

const proxyState = (text: string) => ({ type: Attr.ProxyState, value: Buffer.from(text) })
const messageOf = (reply: Buffer | undefined) =>
  reply === undefined ? undefined : first(decodePacket(reply), Attr.ReplyMessage)?.toString()

describe('an Access-Request', () => {
  it('reaches the login as the gateway sent it, and its reply is signed with Message-Authenticator first', async () => {
    const { send, attempts } = await stand()
    const request = accessRequest({
      more: [
        encodeAttribute('Calling-Station-Id', '::ffff:198.51.100.7'),
        encodeAttribute('Connect-Info', 'OpenConnect'),
      ],
    })
    const reply = decodePacket((await send(request)) ?? expect.unreachable())
    expect(attempts).toMatchObject([
      { name: { stem: 'bob' }, gateway: 'gw1', address: '198.51.100.7', client: 'OpenConnect' },
    ])
    expect(attempts[0]?.typed.reveal()).toBe('hunter2')
    expect(reply.code).toBe(Code.AccessReject)
    expect(reply.attributes[0]?.type).toBe(Attr.MessageAuthenticator)
    expect(checkReply(reply, request.subarray(4, 20), SECRET)).toEqual({
      authenticator: true,
      messageAuthenticator: 'valid',
    })
  })

  it.each([
    ['no User-Name', [], 'no user'],
    ['no User-Password', [encodeAttribute('User-Name', 'bob')], 'no password'],
  ])('with %s is refused, not dropped: silence stalls the gateway', async (_what, attributes) => {
    const { send, attempts } = await stand()
    const octets = buildAccessRequest({
      identifier: 1,
      authenticator: randomBytes(16),
      attributes,
      secret: SECRET,
    })
    expect(messageOf(await send(octets))).toBe('Login failed.')
    expect(attempts).toEqual([])
  })

  it('with two User-Passwords is refused: which of them counts would be the choice of the sender', async () => {
    const { send, attempts } = await stand()
    const authenticator = randomBytes(16)
    const passwords = ['guessed', 'guessed too'].map((password) => ({
      type: Attr.UserPassword,
      value: encryptUserPassword(Buffer.from(password), authenticator, SECRET),
    }))
    const attributes = [encodeAttribute('User-Name', 'bob'), ...passwords]
    const octets = buildAccessRequest({ identifier: 1, authenticator, attributes, secret: SECRET })
    expect(messageOf(await send(octets))).toBe('Login failed.')
    expect(attempts).toEqual([])
  })

  it('whose password decrypts to noise tells of the secret, and reaches no login', async () => {
    const { send, attempts } = await stand()
    const wrong = accessRequest({
      secret: new SharedSecret(Buffer.from('another secret!')),
      password: 'x'.repeat(64),
    })
    expect(messageOf(await send(wrong))).toBe('Login failed.')
    expect(attempts).toEqual([])
  })

  it('that is none is answered however often it comes, and written down once a minute for each cause', async () => {
    const { send, told, time } = await stand()
    const nameless = (identifier: number) => accessRequest({ user: ' ', identifier })
    for (let each = 0; each < 50; each += 1)
      expect(messageOf(await send(nameless(each)))).toBe('Login failed.')
    expect(told).toMatchObject([['login.refused', { reason: 'malformed_request', gateway: 'gw1' }]])
    await send(
      accessRequest({ identifier: 51, more: [{ type: Attr.UserPassword, value: Buffer.alloc(16) }] }),
    )
    expect(told).toHaveLength(2)
    time.now += 60_000
    await send(nameless(52))
    expect(told[2]).toMatchObject(['login.refused', { before: 49 }])
  })

  it.each([
    ['UTF-8', Buffer.from('pässwörd 王')],
    ['Latin-1', Buffer.from('pässwörd', 'latin1')],
  ])('may bring a password in %s', async (encoding, password) => {
    const { send, attempts } = await stand()
    await send(accessRequest({ password }))
    expect(attempts[0]?.typed.reveal()).toBe(encoding === 'UTF-8' ? 'pässwörd 王' : 'pässwörd')
  })

  it('gets its Proxy-State back, unchanged and in order, where it is signed', async () => {
    const { send } = await stand()
    const reply = await send(accessRequest({ signed: 'last', more: [proxyState('one'), proxyState('two')] }))
    const states = all(decodePacket(reply ?? expect.unreachable()), Attr.ProxyState)
    expect(states.map(String)).toEqual(['one', 'two'])
  })
})

describe('a datagram that cannot be believed gets no answer', () => {
  const forged = () => {
    const octets = accessRequest({ signed: true })
    octets.fill(0xff, 22, 38)
    return octets
  }
  const acct = (secret = SECRET) => {
    const attributes = [
      encodeAttribute('User-Name', 'bob'),
      encodeAttribute('Acct-Session-Id', 's'),
      encodeAttribute('Acct-Status-Type', 1),
    ]
    return buildAccountingRequest({ identifier: 1, attributes, secret })
  }
  const unsignedStatus = () => {
    const octets = accessRequest()
    octets.writeUInt8(Code.StatusServer, 0)
    return octets
  }
  it.each<[string, string, () => Buffer, object, MessageAuthenticatorRule?]>([
    ['from nobody known', 'unknown_gateway', () => accessRequest(), { source: '203.0.113.1' }],
    ['from port 0, to which nothing can be sent', 'no_source_port', () => accessRequest(), { port: 0 }],
    ['that is no packet', 'malformed', () => randomBytes(19), {}],
    ['of the wrong code for the port', 'wrong_code', () => accessRequest(), { service: 'acct' }],
    ['of accounting on the authentication port', 'wrong_code', () => acct(), {}],
    ['with a forged Message-Authenticator', 'bad_message_authenticator', forged, {}],
    ['without one where it is required', 'no_message_authenticator', () => accessRequest(), {}, 'require'],
    [
      'with Proxy-State and without one',
      'proxy_state_unprotected',
      () => accessRequest({ more: [proxyState('x')] }),
      {},
    ],
    [
      'of accounting under another secret',
      'bad_accounting_authenticator',
      () => acct(new SharedSecret(Buffer.from('no'))),
      { service: 'acct' },
    ],
    ['of Status-Server, unsigned', 'no_message_authenticator', unsignedStatus, {}],
  ])('%s', async (_what, reason, make, more, rule = 'off') => {
    const { send, dropped, attempts, records, warned } = await stand({ rule })
    const octets = make()
    for (let i = 0; i < 3; i += 1) expect(await send(octets, more)).toBeUndefined()
    expect(dropped).toEqual([reason, reason, reason])
    expect([...attempts, ...records]).toEqual([])
    expect(warned, 'one line for a flood').toHaveLength(1)
    expect(warned).toMatchObject([['datagram.dropped', { reason, peer: expect.any(String) }]])
  })
})

describe('Message-Authenticator under auto', () => {
  it('is demanded from the first valid one on, for that address, and never unlearned', async () => {
    const memory = rememberer()
    const { send, dropped } = await stand({ rule: 'auto', memory })
    expect(await send(accessRequest({ identifier: 1 }))).toBeDefined()
    expect(await send(accessRequest({ identifier: 2, signed: 'last' }))).toBeDefined()
    expect(await send(accessRequest({ identifier: 3 }))).toBeUndefined()
    expect(await send(accessRequest({ identifier: 4 }), { source: '192.0.2.2' })).toBeDefined()
    expect(dropped).toEqual(['no_message_authenticator'])
    const { send: afterRestart } = await stand({ rule: 'auto', memory })
    expect(await afterRestart(accessRequest({ identifier: 5 }))).toBeUndefined()
  })

  it('is not learned from a forged one', async () => {
    const { send } = await stand({ rule: 'auto' })
    const octets = accessRequest({ signed: true })
    octets.writeUInt8(octets.readUInt8(30) ^ 1, 30)
    await send(octets)
    expect(await send(accessRequest())).toBeDefined()
  })

  it('is forgotten where the gateway is set to off', async () => {
    const memory = rememberer('gw1 192.0.2.1')
    await stand({ rule: 'off', memory })
    expect(await memory.authenticating()).toEqual([])
  })
})

describe('Status-Server', () => {
  it.each([
    ['auth', Code.AccessAccept],
    ['acct', Code.AccountingResponse],
  ] as const)('is answered on the %s port', async (service, code) => {
    const { send } = await stand()
    const authenticator = randomBytes(16)
    const octets = buildStatusServer({ identifier: 1, authenticator, attributes: [], secret: SECRET })
    const reply = decodePacket((await send(octets, { service })) ?? expect.unreachable())
    expect(reply.code).toBe(code)
    expect(checkReply(reply, authenticator, SECRET)).toEqual({
      authenticator: true,
      messageAuthenticator: 'valid',
    })
  })
})

describe('a request that comes again', () => {
  it('gets the same reply, octet for octet, and is not worked on twice', async () => {
    const { send, attempts } = await stand()
    const request = accessRequest()
    const reply = await send(request)
    expect(await send(request)).toEqual(reply)
    expect(attempts).toHaveLength(1)
  })

  it('is dropped while the first is being worked on', async () => {
    let finish: (decision: Decision) => void = () => {}
    const { send, attempts } = await stand({ decide: () => new Promise((resolve) => (finish = resolve)) })
    const request = accessRequest()
    const reply = send(request)
    expect(await send(request)).toBeUndefined()
    finish(refuse('bad_credentials', ''))
    const first = await reply
    expect(first).toBeDefined()
    expect(await send(request)).toEqual(first)
    expect(attempts).toHaveLength(1)
  })

  it.each([
    ['another authenticator', {}, true],
    ['another port', { port: 4001 }, false],
    ['another source', { source: '192.0.2.9' }, false],
    ['another socket', { socket: 'b' }, false],
  ])('with %s is a new one', async (_what, more, fresh) => {
    const { send, attempts } = await stand()
    const request = accessRequest()
    await send(request)
    await send(fresh ? accessRequest() : request, more)
    expect(attempts).toHaveLength(2)
  })

  it('after 30 s is a new one', async () => {
    const { send, attempts, time } = await stand()
    const request = accessRequest()
    await send(request)
    time.now = 29_999
    await send(request)
    time.now = 30_000
    await send(request)
    expect(attempts).toHaveLength(2)
  })

  it('and cannot be believed does not touch what is kept', async () => {
    const { send, attempts } = await stand()
    const request = accessRequest({ signed: true })
    const reply = await send(request)
    const tampered = Buffer.from(request)
    tampered.writeUInt8(tampered.readUInt8(30) ^ 1, 30)
    expect(await send(tampered)).toBeUndefined()
    expect(await send(request)).toEqual(reply)
    expect(attempts).toHaveLength(1)
  })
})

it('a grant whose attributes no packet can carry lets nobody in, and the log names the policy', async () => {
  const grant = {
    kind: 'grant',
    policy: 'staff',
    entitlement: { attributes: { 'No-Such-Attribute': 'x' } },
    session: 's',
  } as Decision
  const { send, errors } = await stand({ decide: async () => grant })
  const reply = await send(accessRequest())
  expect(decodePacket(reply ?? expect.unreachable()).code).toBe(Code.AccessReject)
  expect(messageOf(reply)).toMatch(/not available/)
  expect(errors).toMatchObject([['reply.cannot_be_coded', { policy: 'staff' }]])
})

it('a grant that does not fit beside what a proxy wants back is a reject, and no silence', async () => {
  const routes = Array.from({ length: 150 }, (_, index) => `10.1.${index}.0/24`)
  const grant = { kind: 'grant', policy: 'staff', entitlement: { routes }, session: 's' } as Decision
  const { send, errors } = await stand({ decide: async () => grant })
  const fits = await send(accessRequest({ signed: true, more: [proxyState('x')] }))
  expect(decodePacket(fits ?? expect.unreachable()).code).toBe(Code.AccessAccept)
  const chain = Array.from({ length: 10 }, () => proxyState('x'.repeat(253)))
  const reply = await send(accessRequest({ signed: true, identifier: 8, more: chain }))
  const reject = decodePacket(reply ?? expect.unreachable())
  expect(reject.code).toBe(Code.AccessReject)
  expect(all(reject, Attr.ProxyState)).toEqual(chain.map(({ value }) => value))
  expect(errors).toMatchObject([['reply.too_long', { gateway: expect.any(String) }]])
})

describe('an outage', () => {
  const down = () => Promise.resolve(refuse('unavailable', 'identity corp: down'))

  it('is a reject that says so', async () => {
    const { send } = await stand({ decide: down })
    expect(messageOf(await send(accessRequest()))).toMatch(/not available/)
  })

  it('is silence where the gateway is to ask another server, and a retransmit is a new try', async () => {
    const { send, attempts } = await stand({ decide: down, onOutage: 'silent' })
    const request = accessRequest()
    expect(await send(request)).toBeUndefined()
    expect(await send(request)).toBeUndefined()
    expect(attempts).toHaveLength(2)
  })

  it('is what a login comes to that passes its deadline', async () => {
    const { send } = await stand({ decide: () => new Promise(() => {}), deadlineMs: 20 })
    expect(messageOf(await send(accessRequest()))).toMatch(/not available/)
  })

  it('is what a fault in the login comes to: nobody gets in by it, and the next login goes on', async () => {
    let calls = 0
    const decide = () => (calls++ === 0 ? Promise.reject(new Error('a fault')) : down())
    const { send } = await stand({ decide })
    expect(await send(accessRequest({ identifier: 1 }))).toBeUndefined()
    expect(await send(accessRequest({ identifier: 2 }))).toBeDefined()
  })
})

describe('of more requests than may be in flight', () => {
  const busy = async (more: StandOptions = {}) => {
    const decisions: ((decision: Decision) => void)[] = []
    const house = await stand({
      maxInFlight: 1,
      decide: () => new Promise((resolve) => decisions.push(resolve)),
      ...more,
    })
    const request = (identifier: number) => accessRequest({ identifier, user: `user${identifier}` })
    const decideOne = async () => {
      decisions.shift()?.(refuse('bad_credentials', ''))
      await new Promise((resolve) => setImmediate(resolve))
    }
    return { ...house, request, decideOne }
  }

  it('as many wait, and the oldest of them are dropped for the newest, and can be sent again', async () => {
    const { send, request, decideOne, dropped, warned, attempts } = await busy()
    const [working, oldest, newest] = [request(1), request(2), request(3)]
    const first = send(working)
    const second = send(oldest)
    const third = send(newest)
    expect(await second).toBeUndefined()
    expect(dropped).toEqual(['overloaded'])
    expect(warned).toContainEqual(['datagram.dropped', expect.objectContaining({ reason: 'overloaded' })])
    await decideOne()
    expect(await first).toBeDefined()
    const again = send(oldest)
    await decideOne()
    expect(await third).toBeDefined()
    await decideOne()
    expect(await again).toBeDefined()
    expect(attempts.map(({ name }) => name.stem)).toEqual(['user1', 'user3', 'user2'])
  })

  it('those are not begun whose gateway waits no more', async () => {
    const { send, request, decideOne, dropped, time, attempts } = await busy({ deadlineMs: 1000 })
    const first = send(request(1))
    time.now = 100
    const second = send(request(2))
    time.now = 1100
    await decideOne()
    await first
    expect(await second).toBeUndefined()
    expect(dropped).toEqual(['too_late'])
    expect(attempts).toHaveLength(1)
  })

  it('the deadline of one that waited counts from its arrival', async () => {
    const { send, request, decideOne, time, attempts } = await busy({ deadlineMs: 1000 })
    const first = send(request(1))
    time.now = 300
    const second = send(request(2))
    time.now = 700
    await decideOne()
    await first
    expect(attempts[1]?.deadline).toBe(1300)
    await decideOne()
    await second
  })
})

it('a crowd of logins that cannot be decided leaves ten lines a second', async () => {
  const decide = async () => refuse('unavailable', 'password checks: too many')
  const { send, time, errors } = await stand({ decide })
  for (let identifier = 0; identifier < 200; identifier++) await send(accessRequest({ identifier }))
  expect(errors).toHaveLength(10)
  time.now = 1000
  await send(accessRequest({ identifier: 201 }))
  expect(errors.at(-1)).toEqual(['login.unavailable', expect.objectContaining({ before: 190 })])
})

describe('an Accounting-Request', () => {
  const request = (attributes: readonly (readonly [string, string | number])[], user = 'bob') =>
    buildAccountingRequest({
      identifier: 1,
      secret: SECRET,
      attributes: [['User-Name', user] as const, ...attributes].map(([name, value]) =>
        encodeAttribute(name, value),
      ),
    })
  const session = ['Acct-Session-Id', 'a/b+c='] as const

  it('reaches the sessions with its octets, gigawords and delay', async () => {
    const { send, records, time } = await stand()
    time.now = 100_000
    const octets = request([
      session,
      ['Acct-Status-Type', 2],
      ['Acct-Input-Octets', 5],
      ['Acct-Input-Gigawords', 2],
      ['Acct-Output-Octets', 7],
      ['Acct-Session-Time', 60],
      ['Acct-Delay-Time', 4],
      ['Acct-Terminate-Cause', 1],
      ['Framed-IP-Address', '10.8.0.7'],
      ['Framed-IPv6-Address', '2001:db8::7'],
      ['Calling-Station-Id', '198.51.100.7'],
    ])
    const reply = decodePacket((await send(octets, { service: 'acct' })) ?? expect.unreachable())
    expect(reply.code).toBe(Code.AccountingResponse)
    expect(checkReply(reply, octets.subarray(4, 20), SECRET).authenticator).toBe(true)
    expect(records).toEqual([
      {
        kind: 'stop',
        gateway: 'gw1',
        user: 'bob',
        acctSession: 'a/b+c=',
        address: '198.51.100.7',
        ipv4: '10.8.0.7',
        ipv6: '2001:db8::7',
        terminateCause: 'User-Request',
        at: 96_000,
        seconds: 60,
        octetsIn: 2 * 2 ** 32 + 5,
        octetsOut: 7,
      },
    ])
  })

  it('that is of no session is answered and not kept', async () => {
    const { send, records } = await stand()
    expect(await send(request([['Acct-Status-Type', 7], session]), { service: 'acct' })).toBeDefined()
    expect(records).toEqual([])
  })

  it('that could not be kept is not answered, so that it comes again', async () => {
    const { send, records } = await stand()
    const octets = request([session, ['Acct-Status-Type', 3]], 'lost')
    expect(await send(octets, { service: 'acct' })).toBeUndefined()
    expect(await send(octets, { service: 'acct' })).toBeUndefined()
    expect(records).toHaveLength(2)
  })
})
