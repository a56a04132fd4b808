import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { MessageAuthenticatorRule } from '../../src/domain/gateway.ts'
import type { LoginAttempt } from '../../src/domain/login-attempt.ts'
import { refuse } from '../../src/domain/refusal.ts'
import type { Decision } from '../../src/login/flow.ts'
import {
  buildAccessRequest,
  buildAccountingRequest,
  buildStatusServer,
  checkReply,
} from '../../src/radius/authenticators.ts'
import { Attr, Code } from '../../src/radius/codes.ts'
import { encodeAttribute } from '../../src/radius/dictionary.ts'
import { all, decodePacket } from '../../src/radius/packet.ts'
import { SharedSecret } from '../../src/radius/shared-secret.ts'
import { encryptUserPassword } from '../../src/radius/user-password.ts'

import {
  accessRequest,
  type FixtureOptions,
  messageOf,
  proxyState,
  SECRET,
  serverFixture,
} from './server-fixture.ts'

describe('an Access-Request', () => {
  it('reaches the login as the gateway sent it, and its reply is signed with Message-Authenticator first', async () => {
    const { send, attempts } = await serverFixture()
    const request = accessRequest({
      more: [
        encodeAttribute('Calling-Station-Id', '::ffff:198.51.100.7'),
        encodeAttribute('Connect-Info', 'OpenConnect'),
      ],
    })
    const reply = decodePacket((await send(request)) ?? expect.unreachable())
    expect(attempts).toMatchObject([
      { name: { username: 'bob' }, gateway: 'gw1', address: '198.51.100.7', client: 'OpenConnect' },
    ])
    expect(attempts[0]?.request).toMatch(/^[\w-]{43}$/)
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
    const { send, attempts } = await serverFixture()
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
    const { send, attempts } = await serverFixture()
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

  it('whose password decrypts to noise is refused with a hint at the secret, and reaches no login', async () => {
    const { send, attempts } = await serverFixture()
    const wrong = accessRequest({
      secret: new SharedSecret(Buffer.from('another secret!')),
      password: 'x'.repeat(64),
    })
    expect(messageOf(await send(wrong))).toBe('Login failed.')
    expect(attempts).toEqual([])
  })

  it('whose password is padded and no text is not blamed on the secret', async () => {
    const { send, logged } = await serverFixture()
    // In Windows-1252 € is 0x80, which Latin-1 has as a control character.
    await send(accessRequest({ user: 'bob', password: Buffer.from('Preis10\x80!', 'latin1') }))
    expect(logged).toMatchObject([
      ['login.refused', { user: 'bob', detail: expect.stringContaining('gateways[].charset') }],
    ])
    expect(JSON.stringify(logged)).not.toContain('secrets differ')
  })

  it.each([
    ['of a whole block, unsigned: it may be noise', 16, false, 0],
    ['of a whole block, signed', 16, true, 1],
    ['shorter than a block, unsigned', 15, false, 1],
  ])('with a password that is not UTF-8, %s', async (_what, length, signed, reached) => {
    const { send, attempts } = await serverFixture()
    await send(accessRequest({ password: Buffer.alloc(length, 0xe9), signed }))
    expect(attempts).toHaveLength(reached)
  })

  it('that cannot be a login is answered each time, and logged once a minute for each cause', async () => {
    const { send, logged, time } = await serverFixture()
    const nameless = (identifier: number) => accessRequest({ user: ' ', identifier })
    for (let each = 0; each < 50; each += 1)
      expect(messageOf(await send(nameless(each)))).toBe('Login failed.')
    expect(logged).toMatchObject([['login.refused', { reason: 'malformed_request', gateway: 'gw1' }]])
    await send(
      accessRequest({ identifier: 51, more: [{ type: Attr.UserPassword, value: Buffer.alloc(16) }] }),
    )
    expect(logged).toHaveLength(2)
    time.now += 60_000
    await send(nameless(52))
    expect(logged[2]).toMatchObject(['login.refused', { before: 49 }])
  })

  it.each([
    ['UTF-8', Buffer.from('pässwörd 王')],
    ['Latin-1', Buffer.from('pässwörd', 'latin1')],
  ])('may bring a password in %s', async (encoding, password) => {
    const { send, attempts } = await serverFixture()
    await send(accessRequest({ password }))
    expect(attempts[0]?.typed.reveal()).toBe(encoding === 'UTF-8' ? 'pässwörd 王' : 'pässwörd')
  })

  it('gets its Proxy-State back, unchanged and in order, where it is signed', async () => {
    const { send } = await serverFixture()
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
    const { send, dropped, attempts, records, warned } = await serverFixture({ rule })
    const octets = make()
    for (let i = 0; i < 3; i += 1) expect(await send(octets, more)).toBeUndefined()
    expect(dropped).toEqual([reason, reason, reason])
    expect([...attempts, ...records]).toEqual([])
    expect(warned, 'one line for a flood').toHaveLength(1)
    expect(warned).toMatchObject([['datagram.dropped', { reason, peer: expect.any(String) }]])
  })
})

describe('Status-Server', () => {
  it.each([
    ['auth', Code.AccessAccept],
    ['acct', Code.AccountingResponse],
  ] as const)('is answered on the %s port', async (service, code) => {
    const { send } = await serverFixture()
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

describe('a retransmit', () => {
  it('gets the same reply, octet for octet, and is not processed twice', async () => {
    const { send, attempts } = await serverFixture()
    const request = accessRequest()
    const reply = await send(request)
    expect(await send(request)).toEqual(reply)
    expect(attempts).toHaveLength(1)
  })

  it('is dropped while the first request is in progress', async () => {
    let finish: (decision: Decision) => void = () => {}
    const { send, attempts } = await serverFixture({
      decide: () => new Promise((resolve) => (finish = resolve)),
    })
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
    const { send, attempts } = await serverFixture()
    const request = accessRequest()
    await send(request)
    await send(fresh ? accessRequest() : request, more)
    expect(attempts).toHaveLength(2)
  })

  it('that was taken before by another port gets no answer, and the drop says why', async () => {
    const known = new Set<string | undefined>()
    const decide = async ({ request }: LoginAttempt) => {
      const reason = known.has(request) ? 'repeated_request' : 'bad_credentials'
      known.add(request)
      return refuse(reason, '')
    }
    const { send, dropped, logged, warned } = await serverFixture({ decide })
    for (const signed of [true, false]) {
      const request = accessRequest({ signed })
      const reply = await send(request)
      expect(reply).toBeDefined()
      expect(await send(request, { port: 4001 })).toBeUndefined()
      expect(await send(request, { source: '192.0.2.9' })).toBeUndefined()
      expect(await send(request)).toEqual(reply)
    }
    const renumbered = accessRequest()
    await send(renumbered)
    renumbered.writeUInt8(8, 1)
    expect(await send(renumbered)).toBeUndefined()
    expect(dropped).toEqual(Array.from({ length: 5 }, () => 'repeated'))
    expect(warned).toContainEqual(['datagram.dropped', expect.objectContaining({ reason: 'repeated' })])
    expect(logged, 'one line for each request').toHaveLength(3)
  })

  it('after 30 s is a new request', async () => {
    const { send, attempts, time } = await serverFixture()
    const request = accessRequest()
    await send(request)
    time.now = 29_999
    await send(request)
    time.now = 30_000
    await send(request)
    expect(attempts).toHaveLength(2)
  })

  it('that is not authentic does not change the stored reply', async () => {
    const { send, attempts } = await serverFixture()
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
    waivedBy: undefined,
  } as Decision
  const { send, errors } = await serverFixture({ decide: async () => grant })
  const reply = await send(accessRequest())
  expect(decodePacket(reply ?? expect.unreachable()).code).toBe(Code.AccessReject)
  expect(messageOf(reply)).toMatch(/not available/)
  expect(errors).toMatchObject([['reply.cannot_be_coded', { policy: 'staff' }]])
})

it('a grant that does not fit beside Proxy-State is answered by a reject, not by silence', async () => {
  const routes = Array.from({ length: 150 }, (_, index) => `10.1.${index}.0/24`)
  const parts = { policy: 'staff', entitlement: { routes }, session: 's', waivedBy: undefined }
  const grant = { kind: 'grant', ...parts } as Decision
  const { send, errors } = await serverFixture({ decide: async () => grant })
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
    const { send } = await serverFixture({ decide: down })
    expect(messageOf(await send(accessRequest()))).toMatch(/not available/)
  })

  it('is silence where the gateway is to ask another server, and a retransmit is a new attempt', async () => {
    const { send, attempts } = await serverFixture({ decide: down, onOutage: 'silent' })
    const request = accessRequest()
    expect(await send(request)).toBeUndefined()
    expect(await send(request)).toBeUndefined()
    expect(attempts).toHaveLength(2)
  })

  it('is the outcome of a login that passes its deadline', async () => {
    const { send } = await serverFixture({ decide: () => new Promise(() => {}), deadlineMs: 20 })
    expect(messageOf(await send(accessRequest()))).toMatch(/not available/)
  })

  it('is the outcome of a bug in the login: nobody gets in by it, and the next login goes on', async () => {
    let calls = 0
    const decide = () => (calls++ === 0 ? Promise.reject(new Error('a fault')) : down())
    const { send } = await serverFixture({ decide })
    expect(await send(accessRequest({ identifier: 1 }))).toBeUndefined()
    expect(await send(accessRequest({ identifier: 2 }))).toBeDefined()
  })
})

describe('when more requests arrive than may be in flight', () => {
  const busy = async (more: FixtureOptions = {}) => {
    const decisions: ((decision: Decision) => void)[] = []
    const fixture = await serverFixture({
      maxInFlight: 1,
      decide: () => new Promise((resolve) => decisions.push(resolve)),
      ...more,
    })
    const request = (identifier: number) => accessRequest({ identifier, user: `user${identifier}` })
    const decideOne = async () => {
      decisions.shift()?.(refuse('bad_credentials', ''))
      await new Promise((resolve) => setImmediate(resolve))
    }
    return { ...fixture, request, decideOne }
  }

  it('as many wait, the oldest of them are dropped for the newest, and can be sent again', async () => {
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
    expect(attempts.map(({ name }) => name.username)).toEqual(['user1', 'user3', 'user2'])
  })

  it('a refusal that is held takes the place of none of them', async () => {
    const { send, request, dropped } = await busy({
      decide: async () => ({ ...refuse('locked', ''), answerAt: 300 }),
    })
    // The clock of the broker stands still, so each is held for 300 ms.
    const startedAt = performance.now()
    const sent: ReturnType<typeof send>[] = []
    for (let number = 0; number < 20; number += 1) {
      sent.push(send(request(number)))
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect((await Promise.all(sent)).every((reply) => reply !== undefined)).toBe(true)
    expect(dropped).toEqual([])
    expect(performance.now() - startedAt).toBeGreaterThan(290)
  })

  it('those whose gateway no longer waits are not started', async () => {
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

it('an outage under load writes ten lines a second', async () => {
  const decide = async () => refuse('unavailable', 'password checks: too many')
  const { send, time, errors } = await serverFixture({ decide })
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
    const { send, records, time } = await serverFixture()
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
        nas: '192.0.2.1',
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

  it.each([
    [[['Delegated-IPv6-Prefix', '2001:db8:5::/56']], '2001:db8:5::'],
    [[['Framed-IPv6-Prefix', '2001:db8:6::/64']], '2001:db8:6::'],
    [
      [
        ['Delegated-IPv6-Prefix', '2001:db8:5::/56'],
        ['Framed-IPv6-Address', '2001:db8:5::7'],
      ],
      '2001:db8:5::7',
    ],
  ] as const)('names the session’s IPv6 address by %j', async (named, ipv6) => {
    const { send, records } = await serverFixture()
    await send(request([session, ['Acct-Status-Type', 3], ...named]), { service: 'acct' })
    expect(records).toMatchObject([{ ipv6 }])
  })

  it('that belongs to no session is answered and not kept', async () => {
    const { send, records } = await serverFixture()
    expect(await send(request([['Acct-Status-Type', 15], session]), { service: 'acct' })).toBeDefined()
    expect(records).toEqual([])
  })

  it.each([
    ['Accounting-On', 7],
    ['Accounting-Off', 8],
  ])('%s is the restart of the server that sends it', async (_what, status) => {
    const { send, records, time } = await serverFixture()
    time.now = 100_000
    const attributes = [
      encodeAttribute('Acct-Status-Type', status),
      encodeAttribute('NAS-Identifier', 'fra'),
      encodeAttribute('Acct-Delay-Time', 4),
    ]
    const octets = buildAccountingRequest({ identifier: 1, secret: SECRET, attributes })
    expect(await send(octets, { service: 'acct' })).toBeDefined()
    expect(records).toEqual([{ kind: 'restart', gateway: 'gw1', nas: '192.0.2.1 fra', at: 96_000 }])
  })

  it('that could not be kept is not answered, so that the gateway sends it again', async () => {
    const { send, records } = await serverFixture()
    const octets = request([session, ['Acct-Status-Type', 3]], 'lost')
    expect(await send(octets, { service: 'acct' })).toBeUndefined()
    expect(await send(octets, { service: 'acct' })).toBeUndefined()
    expect(records).toHaveLength(2)
  })
})
