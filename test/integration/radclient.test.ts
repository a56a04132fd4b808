import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { Attr } from '../../src/radius/codes.ts'
import { encodeAttribute } from '../../src/radius/dictionary.ts'
import { type Broker, install, type RunningBroker, startBroker } from '../real/broker.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople } from '../real/people.ts'
import { type Attribute, type RadclientReply, radclient } from '../real/radclient.ts'
import {
  accountingRequest,
  believed,
  loginRequest,
  radiusSocket,
  statusRequest,
} from '../real/radius-socket.ts'

const MESSAGE_AUTHENTICATOR: Attribute = ['Message-Authenticator', '0x00']
const FIRST_ATTRIBUTE = 20
/** How long a gateway waits that expects no answer: a login is answered in a tenth of it. Seconds for radclient. */
const SILENCE = 0.6
/** Milliseconds: for an answer that must come, and for one that must not. */
const WAIT = 20_000
const QUIET = SILENCE * 1000
const LONG = `${'x'.repeat(127)}y`
const SECRETS = { wide: 'of-the-wide-network', one: 'of-the-one-address' }

const resources = new AsyncDisposableStack()
let broker: Broker

beforeAll(async () => {
  broker = await startBroker({
    sections: {
      gateways: [
        { name: 'wide', address: '127.0.0.0/29', secret: SECRETS.wide },
        { name: 'one', address: '127.0.0.2', secret: SECRETS.one, message_authenticator: 'off' },
        { name: 'strict', address: '127.0.0.3', secret: SECRETS.one, message_authenticator: 'require' },
      ],
      second_factor: { required: false },
      limits: { user: '1000/1m', address: '1000/1m' },
      lockout: { after: 100, user_after: 100, address_after: 100 },
    },
  })
  resources.defer(broker.stop)
  await addPeople(broker, [
    { name: 'plain', password: 'correct horse', enrolled: false },
    { name: 'long', password: LONG, enrolled: false },
    { name: 'müller', password: 'pässwörd €', enrolled: false },
    { name: 'latin', password: 'pässwörd ÿ', enrolled: false },
    { name: 'chinese', password: '密码是很长的', enrolled: false },
    { name: 'careful', password: 'correct horse' },
  ])
})

afterAll(() => resources.disposeAsync())

/** radclient's own words for "from this address of the machine". */
function from(address: string): Attribute {
  return ['Packet-Src-IP-Address', address]
}

function login(user: string, password: Attribute[1], ...more: Attribute[]): Promise<RadclientReply> {
  return radclient({
    kind: 'auth',
    port: broker.authPort,
    secret: SECRETS.wide,
    timeout: 2,
    attributes: [['User-Name', user], ['User-Password', password], ...more],
  })
}

async function eventsOf(running: Pick<RunningBroker, 'log'>, event: string) {
  return (await running.log()).filter((line) => line.event === event)
}

describeWith(['radclient'], 'radclient', () => {
  test('is let in with the right password', async () => {
    const reply = await login('plain', 'correct horse')
    expect(reply.code, reply.output).toBe('Access-Accept')
  })

  test('is rejected with a wrong password, and told no more than that', async () => {
    const reply = await login('plain', 'correct horsf')
    expect(reply.code, reply.output).toBe('Access-Reject')
    expect(reply.attributes).toContainEqual(['Reply-Message', 'Login failed.'])
  })

  test('is told the same where there is no such user', async () => {
    const reply = await login('nobody', 'correct horse')
    expect(reply.code, reply.output).toBe('Access-Reject')
    expect(reply.attributes).toContainEqual(['Reply-Message', 'Login failed.'])
  })

  test('is rejected without a password', async () => {
    const reply = await login('plain', '')
    expect(reply.code, reply.output).toBe('Access-Reject')
  })

  test('is let in with 128 octets, and not with 127 of them', async () => {
    expect(await login('long', LONG)).toMatchObject({ code: 'Access-Accept' })
    expect(await login('long', LONG.slice(0, -1))).toMatchObject({ code: 'Access-Reject' })
  })

  for (const [title, user, password] of [
    ['in UTF-8', 'müller', 'pässwörd €'],
    ['in UTF-8 with its accents taken apart', 'müller', 'pässwörd €'.normalize('NFD')],
    ['in Latin-1', 'latin', Buffer.from('pässwörd ÿ', 'latin1')],
    ['in Chinese', 'chinese', '密码是很长的'],
  ] as const) {
    test(`is let in with a password ${title}`, async () => {
      const reply = await login(user, password)
      expect(reply.code, reply.output).toBe('Access-Accept')
    })
  }

  test('is rejected with another non-ASCII password', async () => {
    expect(await login('müller', 'passwörd €')).toMatchObject({ code: 'Access-Reject' })
    expect(await login('latin', Buffer.from('pässwörd þ', 'latin1'))).toMatchObject({
      code: 'Access-Reject',
    })
  })

  test('is answered by the same rules with Message-Authenticator', async () => {
    const strict = { kind: 'auth', port: broker.authPort, secret: SECRETS.one, timeout: 2 } as const
    const attributes: Attribute[] = [
      ['User-Name', 'plain'],
      ['User-Password', 'correct horse'],
      from('127.0.0.3'),
    ]
    const signed = await radclient({ ...strict, attributes: [...attributes, MESSAGE_AUTHENTICATOR] })
    expect(signed.code, signed.output).toBe('Access-Accept')
    const unsigned = await radclient({ ...strict, attributes, timeout: SILENCE })
    expect(unsigned.code, unsigned.output).toBeUndefined()
    await broker.logUntil('datagram.dropped', { reason: 'no_message_authenticator', peer: '127.0.0.3' })
  })

  test.each<[what: string, more: readonly Attribute[]]>([
    ['two User-Name', [['User-Name', 'careful']]],
    ['User-Password beside CHAP-Password', [['CHAP-Password', 'correct horse']]],
    ['User-Password beside EAP-Message', [['EAP-Message', '0x0200000a01706c61696e']]],
    ['Service-Type Authorize-Only without State', [['Service-Type', 'Authorize-Only']]],
  ])('is rejected with %s, though the password is right', async (_what, more) => {
    const reply = await login('plain', 'correct horse', ...more, MESSAGE_AUTHENTICATOR, from('127.0.0.7'))
    expect(reply.code, reply.output).toBe('Access-Reject')
  })

  test('gets no answer to an EAP-Message without Message-Authenticator', async () => {
    const octets = Buffer.from('0200000a01706c61696e', 'hex')
    const more = [{ type: Attr.EapMessage, value: octets }]
    const request = loginRequest({ secret: SECRETS.one, user: 'plain', password: 'correct horse', more })
    expect(await answerTo(request.octets, broker.authPort, QUIET, '127.0.0.2')).toBeUndefined()
    await broker.logUntil('datagram.dropped', { reason: 'no_message_authenticator', peer: '127.0.0.2' })
  })

  test('gets its Proxy-State back, unchanged and in order, in each kind of reply', async () => {
    const states: Attribute[] = [
      ['Proxy-State', '0x0102'],
      ['Proxy-State', '0xff00ff'],
      ['Proxy-State', '0x0102'],
    ]
    const ofSigned = (user: string, password: string) =>
      radclient({
        kind: 'auth',
        port: broker.authPort,
        secret: SECRETS.one,
        timeout: 2,
        attributes: [
          ['User-Name', user],
          ['User-Password', password],
          from('127.0.0.3'),
          MESSAGE_AUTHENTICATOR,
          ...states,
        ],
      })
    for (const [user, password, code] of [
      ['plain', 'correct horse', 'Access-Accept'],
      ['plain', 'wrong', 'Access-Reject'],
      ['careful', 'correct horse', 'Access-Challenge'],
    ] as const) {
      const reply = await ofSigned(user, password)
      expect(reply.code, reply.output).toBe(code)
      expect(reply.attributes.filter(([name]) => name === 'Proxy-State')).toEqual(states)
    }
  })

  test('gets no answer where it sends Proxy-State without Message-Authenticator', async () => {
    const reply = await login('plain', 'correct horse', ['Proxy-State', '0x01'], from('127.0.0.4'))
    expect(reply.code, reply.output).toBeUndefined()
    await broker.logUntil('datagram.dropped', { reason: 'proxy_state_unprotected', peer: '127.0.0.4' })
    // Not even where the operator does without Message-Authenticator.
    const off = await radclient({
      kind: 'auth',
      port: broker.authPort,
      secret: SECRETS.one,
      timeout: SILENCE,
      attributes: [
        ['User-Name', 'plain'],
        ['User-Password', 'correct horse'],
        ['Proxy-State', '0x01'],
        from('127.0.0.2'),
      ],
    })
    expect(off.code, off.output).toBeUndefined()
  })

  test('is told that the broker lives, on both ports', async () => {
    const status = { kind: 'status', secret: SECRETS.wide, attributes: [MESSAGE_AUTHENTICATOR] } as const
    expect(await radclient({ ...status, port: broker.authPort })).toMatchObject({ code: 'Access-Accept' })
    expect(await radclient({ ...status, port: broker.acctPort })).toMatchObject({
      code: 'Accounting-Response',
    })
  })

  test('has its accounting acknowledged', async () => {
    const reply = await radclient({
      kind: 'acct',
      port: broker.acctPort,
      secret: SECRETS.wide,
      attributes: [
        ['Acct-Status-Type', 'Start'],
        ['User-Name', 'plain'],
        ['Acct-Session-Id', 'of/radclient+='],
      ],
    })
    expect(reply.code, reply.output).toBe('Accounting-Response')
    expect(await broker.ocbroker(['session', 'list', '--user', 'plain'])).toContainEqual(
      expect.objectContaining({ acctSession: 'of/radclient+=', gateway: 'wide' }),
    )
  })

  test('gets no answer from an address that is no gateway', async () => {
    const reply = await login('plain', 'correct horse', from('127.0.0.9'))
    expect(reply.code, reply.output).toBeUndefined()
    await broker.logUntil('datagram.dropped', { reason: 'unknown_gateway', peer: '127.0.0.9' })
  })

  test('is known by the longest prefix that holds its address', async () => {
    const asOne = (secret: string) =>
      radclient({
        kind: 'auth',
        port: broker.authPort,
        secret,
        timeout: 1,
        attributes: [['User-Name', 'plain'], ['User-Password', 'correct horse'], from('127.0.0.2')],
      })
    expect(await asOne(SECRETS.one)).toMatchObject({ code: 'Access-Accept' })
    expect(await asOne(SECRETS.wide), 'whose replies radclient cannot believe').toMatchObject({
      code: undefined,
    })
    await broker.logUntil('login.refused', { gateway: 'one', reason: 'malformed_request' })
  })
})

describe('a datagram', () => {
  test('with a User-Password of no octets is rejected, not dropped', async () => {
    const request = loginRequest({ secret: SECRETS.wide, user: 'plain', password: '' })
    // ocserv's library writes the attribute with no value at all, where the standard asks for a block of padding.
    const empty = withoutValue(request.octets, Attr.UserPassword)
    const reply = await answerTo(empty, broker.authPort)
    expect(reply && believed(reply, request)).toMatchObject({ code: 'Access-Reject' })
  })

  test('is answered with Message-Authenticator in front, signed or not', async () => {
    for (const [user, password, signed] of [
      ['plain', 'correct horse', false],
      ['plain', 'wrong', false],
      ['careful', 'correct horse', false],
      ['careful', 'correct horse', 'last'],
    ] as const) {
      const request = loginRequest({ secret: SECRETS.wide, user, password, signed })
      const reply = await answerTo(request.octets, broker.authPort, WAIT, '127.0.0.5')
      expect(reply?.readUInt8(FIRST_ATTRIBUTE), `${user} ${password}`).toBe(Attr.MessageAuthenticator)
      if (reply !== undefined) believed(reply, request)
    }
  })

  for (const [what, spoil] of [
    ['whose Message-Authenticator was changed', (octets: Buffer) => octets.fill(0xff, octets.length - 16)],
    ['that was changed in front of its Message-Authenticator', (octets: Buffer) => flip(octets, 23)],
  ] as const) {
    test(`${what} gets no answer`, async () => {
      const request = loginRequest({
        secret: SECRETS.wide,
        user: 'plain',
        password: 'correct horse',
        signed: 'last',
      })
      expect(await answerTo(spoil(request.octets), broker.authPort, QUIET, '127.0.0.6')).toBeUndefined()
      await broker.logUntil('datagram.dropped', { reason: 'bad_message_authenticator', peer: '127.0.0.6' })
    })
  }

  test('of accounting that is signed with another secret gets no answer', async () => {
    const start = [encodeAttribute('Acct-Status-Type', 1), encodeAttribute('User-Name', 'plain')]
    const forged = accountingRequest('another-secret-than-ours', [
      ...start,
      encodeAttribute('Acct-Session-Id', 'forged'),
    ])
    expect(await answerTo(forged.octets, broker.acctPort, QUIET)).toBeUndefined()
    expect(JSON.stringify(await broker.ocbroker(['session', 'list', '--all']))).not.toContain('forged')
  })

  test('on the wrong port gets no answer', async () => {
    const request = loginRequest({ secret: SECRETS.wide, user: 'plain', password: 'correct horse' })
    expect(await answerTo(request.octets, broker.acctPort, QUIET)).toBeUndefined()
    const accounting = accountingRequest(SECRETS.wide, [encodeAttribute('Acct-Status-Type', 1)])
    expect(await answerTo(accounting.octets, broker.authPort, QUIET)).toBeUndefined()
  })

  test('that asks for the status unsigned, or signed wrongly, gets no answer', async () => {
    const request = statusRequest(SECRETS.wide)
    expect(await answerTo(flip(Buffer.from(request.octets), 30), broker.authPort, QUIET)).toBeUndefined()
    const bare = Buffer.from(request.octets.subarray(0, FIRST_ATTRIBUTE))
    bare.writeUInt16BE(FIRST_ATTRIBUTE, 2)
    expect(await answerTo(bare, broker.authPort, QUIET)).toBeUndefined()
  })

  test('whose password was hidden with another secret is rejected, and the log says what is wrong', async () => {
    const request = loginRequest({
      secret: 'another-secret-than-ours',
      user: 'plain',
      password: 'x'.repeat(40),
    })
    const reply = await answerTo(request.octets, broker.authPort)
    expect(reply?.readUInt8(0)).toBe(3)
    await broker.logUntil('login.refused', {
      reason: 'malformed_request',
      gateway: 'wide',
      detail: /the shared secrets differ\?/,
    })
  })
})

describe('a retransmit', () => {
  test('is answered octet for octet, and checked once', async () => {
    const socket = await radiusSocket(broker.authPort)
    onTestFinished(socket.close)
    const request = loginRequest({ secret: SECRETS.wide, user: 'careful', password: 'correct horse' })
    const before = (await eventsOf(broker, 'login.challenged')).length
    socket.send(request.octets)
    const reply = await socket.next(WAIT)
    expect(reply && believed(reply, request)).toMatchObject({ code: 'Access-Challenge' })
    for (let again = 0; again < 3; again++) {
      socket.send(request.octets)
      expect(await socket.next(WAIT)).toEqual(reply)
    }
    expect(await eventsOf(broker, 'login.challenged')).toHaveLength(before + 1)
  })

  test('is dropped while the first is being answered', async () => {
    const socket = await radiusSocket(broker.authPort)
    onTestFinished(socket.close)
    const request = loginRequest({ secret: SECRETS.wide, user: 'careful', password: 'correct horse' })
    const before = (await eventsOf(broker, 'login.challenged')).length
    // All of them are there before the first can be answered, however slowly this process sends.
    await halted(broker.process, () => {
      for (let sent = 0; sent < 5; sent++) socket.send(request.octets)
    })
    expect(await socket.next(WAIT)).toBeDefined()
    expect(await socket.next(QUIET), 'a second reply').toBeUndefined()
    expect(await eventsOf(broker, 'login.challenged')).toHaveLength(before + 1)
  })

  test('with another authenticator under the same identifier is a new request', async () => {
    const socket = await radiusSocket(broker.authPort)
    onTestFinished(socket.close)
    const login = { secret: SECRETS.wide, user: 'plain' }
    const right = loginRequest({ ...login, password: 'correct horse' })
    const wrong = loginRequest({ ...login, password: 'wrong' })
    wrong.octets.writeUInt8(right.octets.readUInt8(1), 1)
    for (const [request, code] of [
      [right, 'Access-Accept'],
      [wrong, 'Access-Reject'],
    ] as const) {
      socket.send(request.octets)
      const reply = await socket.next(WAIT)
      expect(reply && believed(reply, request)).toMatchObject({ code })
    }
  })

  test('that was tampered with does not bring the reply', async () => {
    const socket = await radiusSocket(broker.authPort, '127.0.0.6')
    onTestFinished(socket.close)
    const request = loginRequest({
      secret: SECRETS.wide,
      user: 'plain',
      password: 'correct horse',
      signed: 'last',
    })
    socket.send(request.octets)
    expect(await socket.next(WAIT)).toBeDefined()
    socket.send(flip(Buffer.from(request.octets), request.octets.length - 1))
    expect(await socket.next(QUIET)).toBeUndefined()
  })

  test('of accounting is recorded once and answered again', async () => {
    const socket = await radiusSocket(broker.acctPort)
    onTestFinished(socket.close)
    const request = accountingRequest(SECRETS.wide, [
      encodeAttribute('Acct-Status-Type', 1),
      encodeAttribute('User-Name', 'plain'),
      encodeAttribute('Acct-Session-Id', 'sent-twice'),
    ])
    socket.send(request.octets)
    const reply = await socket.next(WAIT)
    expect(reply && believed(reply, request)).toMatchObject({ code: 'Accounting-Response' })
    socket.send(request.octets)
    expect(await socket.next(WAIT)).toEqual(reply)
    const sessions = (await broker.ocbroker(['session', 'list', '--all'])) as { acctSession?: string }[]
    expect(sessions.filter(({ acctSession }) => acctSession === 'sent-twice')).toHaveLength(1)
  })
})

describe('a gateway under message_authenticator: auto', () => {
  test('must sign from its first signed request on, over restarts too, until `off` takes that back', async () => {
    const gateway = (rule: string) => ({
      gateways: [{ name: 'gw', address: '127.0.0.0/29', secret: SECRETS.wide, message_authenticator: rule }],
      second_factor: { required: false },
    })
    const installation = await install({ sections: gateway('auto') })
    const own = new AsyncDisposableStack()
    onTestFinished(() => own.disposeAsync())
    own.defer(installation.remove)
    await addPeople(installation, [{ name: 'plain', password: 'correct horse', enrolled: false }])
    const isAnswered = async (signed: boolean, within: number, address = '127.0.0.1') => {
      const request = loginRequest({
        secret: SECRETS.wide,
        user: 'plain',
        password: 'correct horse',
        signed,
      })
      return (await answerTo(request.octets, installation.authPort, within, address)) !== undefined
    }

    let running = await installation.serve()
    own.defer(() => running.stop())
    expect(await isAnswered(false, WAIT), 'unsigned at first').toBe(true)
    expect(await isAnswered(true, WAIT), 'signed').toBe(true)
    expect(await isAnswered(false, QUIET), 'unsigned after that').toBe(false)
    await running.logUntil('gateway.signs_no_more', { gateway: 'gw', address: '127.0.0.1' })
    const { stdout } = await installation.run(['doctor'])
    expect(stdout).toMatch(/FAULT +gateway gw: signed its requests before and does not now \(127\.0\.0\.1\)/)
    expect(stdout).toContain('message_authenticator: off')
    expect(await isAnswered(false, WAIT, '127.0.0.2'), 'another address of the gateway').toBe(true)
    expect(await eventsOf(running, 'gateway.authenticates')).toHaveLength(1)
    await running.stop()

    running = await installation.serve()
    expect(await isAnswered(false, QUIET), 'unsigned after a restart').toBe(false)
    expect(await isAnswered(true, WAIT), 'signed after a restart').toBe(true)
    await running.stop()

    installation.configure(gateway('off'))
    running = await installation.serve()
    expect(await isAnswered(false, WAIT), 'unsigned where the rule is off').toBe(true)
    await running.stop()

    installation.configure(gateway('auto'))
    running = await installation.serve()
    expect(await isAnswered(false, WAIT), 'unsigned after `off` made it forget').toBe(true)
  })

  test('learns nothing from a status request or from a signature that is wrong', async () => {
    const address = '127.0.0.7'
    const status = statusRequest(SECRETS.wide)
    expect(await answerTo(status.octets, broker.authPort, WAIT, address)).toBeDefined()
    const forged = loginRequest({
      secret: 'another-secret-than-ours',
      user: 'plain',
      password: 'correct horse',
      signed: true,
    })
    expect(await answerTo(forged.octets, broker.authPort, QUIET, address)).toBeUndefined()
    const unsigned = loginRequest({ secret: SECRETS.wide, user: 'plain', password: 'correct horse' })
    expect(await answerTo(unsigned.octets, broker.authPort, WAIT, address)).toBeDefined()
  })
})

/** The answer to one datagram that is sent from an address of the machine. */
async function answerTo(
  octets: Buffer,
  port: number,
  within = WAIT,
  address = '127.0.0.1',
): Promise<Buffer | undefined> {
  const socket = await radiusSocket(port, address)
  try {
    socket.send(octets)
    return await socket.next(within)
  } finally {
    socket.close()
  }
}

/** Does it while the process stands still. */
async function halted({ pid, signal }: Broker['process'], work: () => void): Promise<void> {
  signal('SIGSTOP')
  onTestFinished(() => signal('SIGCONT'))
  await expect.poll(() => readFileSync(`/proc/${pid}/stat`, 'utf8')).toMatch(/\) T /)
  work()
  signal('SIGCONT')
}

function flip(octets: Buffer, at: number): Buffer {
  octets.writeUInt8(octets.readUInt8(at) ^ 1, at)
  return octets
}

/** The same packet, one attribute without its value. */
function withoutValue(octets: Buffer, type: number): Buffer {
  for (let at = FIRST_ATTRIBUTE; at < octets.length; at += octets.readUInt8(at + 1)) {
    if (octets.readUInt8(at) !== type) continue
    const length = octets.readUInt8(at + 1)
    const shorter = Buffer.concat([
      octets.subarray(0, at),
      Buffer.from([type, 2]),
      octets.subarray(at + length),
    ])
    shorter.writeUInt16BE(shorter.length, 2)
    return shorter
  }
  throw new Error(`no attribute ${type}`)
}
