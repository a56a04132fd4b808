import { createSocket } from 'node:dgram'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { Unavailable } from '../../src/domain/errors.ts'
import { Secret } from '../../src/domain/secret.ts'
import type { IgnoredReason } from '../../src/identity/radius/no-answer.ts'
import { checkMessageAuthenticator } from '../../src/radius/authenticators.ts'
import { Attr, Code } from '../../src/radius/codes.ts'
import { describeAttributes, encodeAttribute } from '../../src/radius/dictionary.ts'
import { all, first, type NewAttribute } from '../../src/radius/packet.ts'
import { SharedSecret } from '../../src/radius/shared-secret.ts'
import { decryptUserPassword } from '../../src/radius/user-password.ts'
import {
  type Heard,
  SECRET,
  type UpstreamPeer,
  upstreamPeer,
  upstreamStore,
} from '../identity/upstream-peer.ts'
import { freePort } from '../real/free-port.ts'

const secret = new SharedSecret(Buffer.from(SECRET))
const accept = ({ send, reply }: Heard) => send(reply(Code.AccessAccept))
const ACCEPTED = { kind: 'right', account: { groups: [], attributes: {} } }

function textIn({ packet }: Heard, type: number): string | undefined {
  return first(packet, type)?.toString()
}

describe('a password that an upstream server quotes when it rejects it', () => {
  const quoting = (cut: (text: string) => readonly string[]) => (heard: Heard) => {
    const hidden = first(heard.packet, Attr.UserPassword) ?? Buffer.alloc(0)
    const typed = decryptUserPassword(hidden, heard.packet.authenticator, secret)?.toString() ?? ''
    const messages = cut(`wrong password "${typed}" of bob`)
    heard.send(
      heard.reply(
        Code.AccessReject,
        messages.map((message) => ({ type: Attr.ReplyMessage, value: Buffer.from(message) })),
      ),
    )
  }

  it.each(['plainpassword', 'Tom&Jerry<3', 'two  blanks', 'nbsp\u00a0here', 'tab\there', 'x'.repeat(128)])(
    'is kept nowhere: %j',
    async (password) => {
      const peer = await upstreamPeer(quoting((text) => [text]))
      const detail = `rejected by 127.0.0.1:${peer.port}: wrong password "***" of bob`
      expect(await upstreamStore([peer.server]).ask(password)).toEqual({ kind: 'wrong', detail })
    },
  )

  it('is kept nowhere, though it is spread over two attributes, or cut off where the words get too long', async () => {
    const spread = await upstreamPeer(quoting((text) => [text.slice(0, 20), text.slice(20)]))
    const answer = await upstreamStore([spread.server]).ask('plainpassword')
    expect(answer).toEqual({ kind: 'wrong', detail: expect.stringContaining('wrong password "***" of bob') })
    const long = await upstreamPeer(quoting((text) => ['-'.repeat(225), text]))
    const cut = await upstreamStore([long.server]).ask('plainpassword')
    expect(JSON.stringify(cut)).not.toContain('pla')
  })
})

describe('a request to an upstream server', () => {
  it('carries the name, the password, who asks for whom, and a Message-Authenticator first', async () => {
    const peer = await upstreamPeer(accept)
    const { ask } = upstreamStore([peer.server], { realm: 'corp.example' })
    expect(await ask('pässword', 2000, { address: '198.51.100.7', gateway: 'gw1' })).toEqual(ACCEPTED)
    const [heard] = peer.heard
    if (heard === undefined) expect.unreachable()
    expect(heard.packet.attributes[0]?.type).toBe(Attr.MessageAuthenticator)
    expect(checkMessageAuthenticator(heard.packet, secret)).toBe('valid')
    expect(textIn(heard, Attr.UserName)).toBe('bob@corp.example')
    const hidden = first(heard.packet, Attr.UserPassword) ?? Buffer.alloc(0)
    expect(decryptUserPassword(hidden, heard.packet.authenticator, secret)?.toString()).toBe('pässword')
    expect(textIn(heard, Attr.CallingStationId)).toBe('198.51.100.7')
    expect(textIn(heard, Attr.NasIdentifier)).toBe('gw1')
    expect(first(heard.packet, Attr.ProxyState)).toHaveLength(8)
    expect(heard.packet.raw.includes('pässword')).toBe(false)
  })

  it('is made for no name with signs that a directory behind the server may overlook', async () => {
    const peer = await upstreamPeer(accept)
    const { ask } = upstreamStore([peer.server], { realm: 'corp.example' })
    for (const name of ['b\u00adob', 'b\u200dob', 'b  ob', ' bob'])
      expect(await ask('right', 2000, {}, name)).toEqual({ kind: 'unknown' })
    expect(peer.heard).toEqual([])
  })

  it('comes from one of sixteen ports or more, with an identifier and an authenticator of its own', async () => {
    const peer = await upstreamPeer(accept)
    const { ask } = upstreamStore([peer.server])
    await Promise.all(Array.from({ length: 400 }, () => ask('right')))
    const distinct = (of: (heard: Heard) => unknown) => new Set(peer.heard.map(of)).size
    expect(distinct(({ from }) => from.port)).toBe(16)
    expect(distinct(({ packet }) => packet.identifier)).toBeGreaterThan(100)
    expect(distinct(({ packet }) => packet.authenticator.toString('hex'))).toBe(400)
    expect(distinct(({ from, packet }) => `${from.port} ${packet.identifier}`)).toBe(400)
  })

  it('is sent again, octet for octet from the same port, until it is answered', async () => {
    let count = 0
    const peer = await upstreamPeer((heard) => {
      count += 1
      if (count === 3) accept(heard)
    })
    const { ask } = upstreamStore([peer.server], { resendMs: 20 })
    expect(await ask('right')).toEqual(ACCEPTED)
    const [one, two, three] = peer.heard
    expect(two?.packet.raw).toEqual(one?.packet.raw)
    expect(three?.packet.raw).toEqual(one?.packet.raw)
    expect([two?.from.port, three?.from.port]).toEqual([one?.from.port, one?.from.port])
    await sleep(60)
    expect(peer.heard).toHaveLength(3)
  })

  it('is refused, not sent, when the sockets carry as many as they can', async () => {
    const peer = await upstreamPeer(() => {})
    const { ask } = upstreamStore([peer.server], { resendMs: 60_000 })
    const outcomes = await Promise.allSettled(Array.from({ length: 16 * 256 + 10 }, () => ask('right', 300)))
    const messages = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.message : ''))
    const full = messages.filter((message) => message.includes('every identifier of every source socket'))
    expect(full).toHaveLength(10)
  })

  it('with a password that RADIUS cannot carry is not sent', async () => {
    const peer = await upstreamPeer(accept)
    const { ask } = upstreamStore([peer.server])
    expect(await ask('x'.repeat(129))).toMatchObject({ kind: 'wrong' })
    expect(await ask('x', 2000, {}, 'n'.repeat(254))).toEqual({ kind: 'unknown' })
    expect(peer.heard).toEqual([])
    expect(await ask('x'.repeat(128))).toEqual(ACCEPTED)
  })
})

describe('a reply of an upstream server', () => {
  it('is a wrong password where it rejects, with its words for the operator', async () => {
    const words = encodeAttribute('Reply-Message', 'E=691 R=0')
    const peer = await upstreamPeer(({ send, reply }) => send(reply(Code.AccessReject, [words])))
    expect(await upstreamStore([peer.server]).ask('wrong')).toEqual({
      kind: 'wrong',
      detail: `rejected by 127.0.0.1:${peer.port}: E=691 R=0`,
    })
  })

  /** Each would let the user in if it were believed; the true reply, an Access-Reject, follows it. */
  const forgeries: readonly [IgnoredReason, string, (heard: Heard) => Buffer][] = [
    ['bad_authenticator', 'signed with another secret', ({ reply }) => reply(2, [], { secret: 'another' })],
    [
      'no_message_authenticator',
      'without Message-Authenticator',
      ({ reply }) => reply(2, [], { bare: true }),
    ],
    [
      'bad_message_authenticator',
      'with a Message-Authenticator of sixteen 0xFF',
      ({ reply, resigned }) => resigned(reply(2).fill(0xff, 22, 38)),
    ],
    [
      'unasked',
      'to another identifier',
      ({ packet, reply, resigned }) => {
        const forged = reply(2)
        forged.writeUInt8((packet.identifier + 1) % 256, 1)
        return resigned(forged)
      },
    ],
    ['malformed', 'cut short', ({ reply }) => reply(2).subarray(0, 30)],
    ['unasked', 'of one octet', () => Buffer.from([2])],
    ['wrong_code', 'with the code of a request', ({ reply }) => reply(1)],
    ['wrong_code', 'with the code of an accounting answer', ({ reply }) => reply(5)],
  ]

  it.each(forgeries)('is ignored and counted (%s): %s', async (reason, _how, forge) => {
    const peer = await upstreamPeer((heard) => {
      heard.send(forge(heard))
      setTimeout(() => heard.send(heard.reply(Code.AccessReject)), 30)
    })
    const store = upstreamStore([peer.server])
    expect(await store.ask('guess')).toMatchObject({ kind: 'wrong' })
    expect(store.ignoredReplies(reason)).toBe(1)
    expect(store.logged.filter((line) => line.includes(reason))).toHaveLength(1)
  })

  it('is ignored from any address or port but the one that was asked', async () => {
    const other = createSocket('udp4')
    onTestFinished(() => void other.close())
    const peer = await upstreamPeer((heard) => {
      other.send(heard.reply(Code.AccessAccept), heard.from.port, heard.from.address)
      setTimeout(() => heard.send(heard.reply(Code.AccessReject)), 30)
    })
    expect(await upstreamStore([peer.server]).ask('guess')).toMatchObject({ kind: 'wrong' })
  })

  it('answers its own request alone: of two users, the one cannot use what the other got', async () => {
    const waiting: Heard[] = []
    const peer = await upstreamPeer((heard) => {
      waiting.push(heard)
      const [one, two] = waiting
      if (one === undefined || two === undefined) return
      // Each user's reply, with the other's identifier on it, goes to the other's port.
      for (const [from, to] of [
        [one, two],
        [two, one],
      ] as const) {
        const swapped = from.reply(Code.AccessAccept)
        swapped.writeUInt8(to.packet.identifier, 1)
        to.send(from.resigned(swapped))
      }
    })
    const store = upstreamStore([peer.server], { resendMs: 60_000 })
    const both = await Promise.allSettled([store.ask('a', 200), store.ask('b', 200)])
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(store.ignoredReplies('bad_authenticator')).toBe(2)
  })

  it('without Message-Authenticator is believed from a server that was said to have none', async () => {
    const peer = await upstreamPeer(({ send, reply }) => send(reply(Code.AccessAccept, [], { bare: true })))
    const server = { ...peer.server, requireMessageAuthenticator: false }
    expect(await upstreamStore([server]).ask('right')).toEqual(ACCEPTED)
  })

  it('with the Proxy-State of another request, or with two, is not believed', async () => {
    for (const more of [1, 2]) {
      const peer = await upstreamPeer(({ packet, send, reply, resigned }) => {
        const right = reply(Code.AccessAccept, [], { bare: true })
        const [own] = all(packet, Attr.ProxyState)
        if (own === undefined) return
        if (more === 1) right[right.indexOf(own)] = (right[right.indexOf(own)] ?? 0) ^ 1
        const octets = more === 1 ? right : Buffer.concat([right, Buffer.from([33, 2 + own.length]), own])
        octets.writeUInt16BE(octets.length, 2)
        send(resigned(octets))
      })
      const store = upstreamStore([{ ...peer.server, requireMessageAuthenticator: false }])
      await expect(store.ask('guess', 200)).rejects.toThrow(
        /its replies have a Proxy-State that was not sent/,
      )
    }
  })

  it('without Message-Authenticator is never believed where it carries a Proxy-State that nobody sent', async () => {
    const peer = await upstreamPeer(({ send, reply, resigned }) => {
      const collided = Buffer.concat([
        reply(Code.AccessAccept, [], { bare: true }),
        Buffer.from([33, 4, 1, 2]),
      ])
      collided.writeUInt16BE(collided.length, 2)
      send(resigned(collided))
    })
    const store = upstreamStore([{ ...peer.server, requireMessageAuthenticator: false }])
    await expect(store.ask('guess', 200)).rejects.toThrow(/its replies have a Proxy-State that was not sent/)
  })

  it('that never comes is an outage, told in time and with what it may be', async () => {
    const peer = await upstreamPeer(() => {})
    const startedAt = systemClock.monotonic()
    const answer = upstreamStore([peer.server]).ask('right', 200)
    await expect(answer).rejects.toBeInstanceOf(Unavailable)
    await expect(answer).rejects.toMatchObject({ passwordSent: true })
    await expect(answer).rejects.toThrow(
      /^identity up: 127\.0\.0\.1:\d+: no answer within \d+ ms: it is down, or does not know this client/,
    )
    expect(systemClock.monotonic() - startedAt).toBeLessThan(400)
  })

  it('keeps no secret and no password in what is logged', async () => {
    const peer = await upstreamPeer(({ send, reply }) => send(reply(2, [], { secret: 'another' })))
    const store = upstreamStore([peer.server], { resendMs: 20 })
    const error = await store.ask('canary-password', 150).catch((caught: unknown) => caught)
    expect(store.logged.length).toBeGreaterThan(1)
    expect(inspect([store.logged, error, store], { depth: 9 })).not.toMatch(/canary-password|between broker/)
  })
})

describe("an upstream server's challenge", () => {
  const STATE = Buffer.from([0, 255, 1, 2, 250])

  function challenging(attributes: readonly NewAttribute[]) {
    return upstreamPeer((heard) => {
      const state = first(heard.packet, Attr.State)
      const code = state === undefined ? Code.AccessChallenge : Code.AccessAccept
      heard.send(heard.reply(code, state === undefined ? attributes : []))
    })
  }

  it('comes with its words, and its State goes back with the answer', async () => {
    const words = encodeAttribute('Reply-Message', 'Enter <code>')
    const peer = await challenging([{ type: Attr.State, value: STATE }, words])
    const { ask } = upstreamStore([peer.server])
    const challenge = await ask('right')
    if (challenge.kind !== 'challenged') expect.unreachable()
    expect(challenge.prompt).toBe('Enter (code)')
    expect(await ask('123456', 2000, { state: challenge.state })).toEqual(ACCEPTED)
    const answer = peer.heard[1]?.packet
    if (answer === undefined) expect.unreachable()
    expect(first(answer, Attr.State)).toEqual(STATE)
    const hidden = first(answer, Attr.UserPassword) ?? Buffer.alloc(0)
    expect(decryptUserPassword(hidden, answer.authenticator, secret)?.toString()).toBe('123456')
  })

  it('may lack words and State', async () => {
    const peer = await upstreamPeer(({ send, reply }) => send(reply(Code.AccessChallenge)))
    const { ask } = upstreamStore([peer.server])
    const challenge = await ask('right')
    if (challenge.kind !== 'challenged') expect.unreachable()
    expect(challenge.prompt).toBeUndefined()
    await ask('123456', 2000, { state: challenge.state })
    expect(peer.heard[1]?.packet.attributes.map(({ type }) => type)).not.toContain(Attr.State)
  })

  it('is answered to the server that asked, which alone knows its State', async () => {
    const dead = await upstreamPeer(() => {})
    const peer = await challenging([{ type: Attr.State, value: STATE }])
    const { ask } = upstreamStore([dead.server, peer.server], { resendMs: 20 })
    const challenge = await ask('right', 200)
    if (challenge.kind !== 'challenged') expect.unreachable()
    const before = dead.heard.length
    expect(await ask('123456', 200, { state: challenge.state })).toEqual(ACCEPTED)
    const requests = dead.heard.slice(before).filter(({ packet }) => packet.code === Code.AccessRequest)
    expect(requests).toEqual([])
  })

  it('of a server that is configured no more is an outage, not a wrong answer', async () => {
    const peer = await upstreamPeer(accept)
    const { ask } = upstreamStore([peer.server])
    await expect(ask('123456', 200, { state: '192.0.2.1:1812 AAEC' })).rejects.toThrow(
      'identity up: the server that asked is configured no more',
    )
    expect(peer.heard).toEqual([])
  })
})

describe('several upstream servers', () => {
  const requests = ({ heard }: UpstreamPeer) =>
    heard.filter(({ packet }) => packet.code === Code.AccessRequest).length

  it('are asked in their order: the second only where the first is silent', async () => {
    const silent = await upstreamPeer(() => {})
    const peer = await upstreamPeer(accept)
    const startedAt = systemClock.monotonic()
    expect(await upstreamStore([silent.server, peer.server]).ask('right', 400)).toEqual(ACCEPTED)
    expect(systemClock.monotonic() - startedAt).toBeLessThan(400)
    const other = await upstreamPeer(accept)
    expect(await upstreamStore([other.server, peer.server]).ask('right', 400)).toEqual(ACCEPTED)
    expect([requests(silent), requests(peer), requests(other)]).toEqual([1, 1, 1])
  })

  it("believe one server's no: the next is not asked", async () => {
    const peer = await upstreamPeer(accept)
    const rejecting = await upstreamPeer(({ send, reply }) => send(reply(Code.AccessReject)))
    expect(await upstreamStore([rejecting.server, peer.server]).ask('wrong')).toMatchObject({ kind: 'wrong' })
    expect(requests(peer)).toBe(0)
  })

  it('cost no time while one of them has no listener', async () => {
    const port = await freePort()
    const peer = await upstreamPeer(accept)
    const { ask, logged } = upstreamStore([{ ...peer.server, port }, peer.server])
    const startedAt = systemClock.monotonic()
    expect(await ask('right', 5000)).toEqual(ACCEPTED)
    expect(systemClock.monotonic() - startedAt).toBeLessThan(500)
    expect(logged.join()).toContain(`upstream.dead {"store":"up","server":"127.0.0.1:${port}"}`)
  })

  it('remember which of them is dead, and come back to it when it answers Status-Server', async () => {
    let alive = false
    const first = await upstreamPeer((heard) => alive && accept(heard))
    const second = await upstreamPeer(accept)
    const store = upstreamStore([first.server, second.server], { resendMs: 20, probeEveryMs: 50 })
    await store.ask('right', 200)
    expect(requests(first)).toBeGreaterThan(1)
    const before = requests(first)
    const startedAt = systemClock.monotonic()
    await store.ask('right', 5000)
    expect(systemClock.monotonic() - startedAt).toBeLessThan(500)
    expect(requests(first)).toBe(before)
    alive = true
    await vi.waitFor(() => expect(store.logged.join()).toContain('upstream.back'))
    await store.ask('right')
    expect([requests(first), requests(second)]).toEqual([before + 1, 2])
  })

  it('let one login try a dead one that knows no Status-Server, now and then', async () => {
    let alive = false
    const time = { skipped: 0 }
    const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + time.skipped }
    const first = await upstreamPeer((heard) => alive && accept(heard))
    const second = await upstreamPeer(accept)
    const servers = [{ ...first.server, statusServer: false }, second.server] as const
    const { authenticate } = upstreamStore([...servers], { clock, resendMs: 20, deadForMs: 30_000 })
    const ask = () => authenticate('bob', new Secret('right'), clock.monotonic() + 200)
    await ask()
    const before = first.heard.length
    time.skipped += 29_000
    await ask()
    expect(first.heard).toHaveLength(before)
    time.skipped += 1000
    alive = true
    await Promise.all([ask(), ask()])
    expect(first.heard).toHaveLength(before + 1)
    await ask()
    expect(first.heard).toHaveLength(before + 2)
    expect(first.heard.every(({ packet }) => packet.code === Code.AccessRequest)).toBe(true)
  })

  it('are not thought dead for one request without an answer while others are answered', async () => {
    const peer = await upstreamPeer((heard) => {
      if (textIn(heard, Attr.UserName) !== 'ignored') accept(heard)
    })
    const { ask, logged } = upstreamStore([peer.server], { resendMs: 20 })
    const ignored = ask('right', 200, {}, 'ignored')
    await Promise.all([ask('right'), expect(ignored).rejects.toBeInstanceOf(Unavailable)])
    expect(logged).toEqual([])
  })

  it('are all asked where all are thought dead', async () => {
    let alive = false
    const peer = await upstreamPeer((heard) => alive && accept(heard))
    const { ask } = upstreamStore([peer.server], { resendMs: 20, probeEveryMs: 60_000 })
    await expect(ask('right', 100)).rejects.toBeInstanceOf(Unavailable)
    alive = true
    expect(await ask('right', 100)).toEqual(ACCEPTED)
  })

  it('that all fail are all named, and one of them may know the password by now', async () => {
    const silent = await upstreamPeer(() => {})
    const port = await freePort()
    const nowhere = { ...silent.server, port }
    await expect(upstreamStore([nowhere]).ask('right', 200)).rejects.toMatchObject({ passwordSent: false })
    const answer = upstreamStore([nowhere, silent.server]).ask('right', 200)
    await expect(answer).rejects.toMatchObject({ passwordSent: true })
    await expect(answer).rejects.toThrow(
      new RegExp(
        `^identity up: 127.0.0.1:${port}: .*ECONNREFUSED.*; 127.0.0.1:${silent.port}: no answer within`,
      ),
    )
  })
})

describe('an upstream store', () => {
  const soon = () => systemClock.monotonic() + 300

  it('is ready where one of its servers answers Status-Server', async () => {
    const silent = await upstreamPeer(() => {})
    const peer = await upstreamPeer(accept)
    await upstreamStore([silent.server, peer.server]).checkReady(soon())
    expect(peer.heard.map(({ packet }) => packet.code)).toEqual([Code.StatusServer])
    const [status] = peer.heard
    if (status === undefined) expect.unreachable()
    expect(checkMessageAuthenticator(status.packet, secret)).toBe('valid')
    await expect(upstreamStore([silent.server]).checkReady(soon())).rejects.toThrow(
      /^identity up: 127\.0\.0\.1:/,
    )
  })

  it('is asked by the name of its server, which is resolved', async () => {
    const peer = await upstreamPeer(accept)
    expect(await upstreamStore([{ ...peer.server, host: 'localhost' }]).ask('right')).toEqual(ACCEPTED)
    const unknown = upstreamStore([{ ...peer.server, host: 'no-such-host.invalid' }])
    await expect(unknown.ask('right', 1000)).rejects.toBeInstanceOf(Unavailable)
  })

  it('cannot say anything without a password', async () => {
    const peer = await upstreamPeer(accept)
    expect(await upstreamStore([peer.server]).lookup('bob', soon())).toEqual({ kind: 'unknown' })
    expect(peer.heard).toEqual([])
  })

  it('says what kind of port it asks for, and whatever else it is told to', async () => {
    const peer = await upstreamPeer(accept)
    await upstreamStore([peer.server], { requestAttributes: { 'Called-Station-Id': 'vpn' } }).ask('right')
    await upstreamStore([peer.server], { requestAttributes: { 'NAS-Port-Type': 'Ethernet' } }).ask('right')
    const described = peer.heard.map(({ packet }) => describeAttributes(packet))
    expect(described[0]).toContainEqual({ name: 'NAS-Port-Type', value: 'Virtual' })
    expect(described[0]).toContainEqual({ name: 'Called-Station-Id', value: 'vpn' })
    expect(described[1]?.filter(({ name }) => name === 'NAS-Port-Type')).toEqual([
      { name: 'NAS-Port-Type', value: 'Ethernet' },
    ])
  })

  it('is not made with attributes that it could not send or pass on', async () => {
    const peer = await upstreamPeer(accept)
    const make = (options: Parameters<typeof upstreamStore>[1]) => () => upstreamStore([peer.server], options)
    expect(make({ requestAttributes: { 'No-Such-Attribute': 'x' } })).toThrow('No-Such-Attribute')
    expect(make({ reply: { attributes: ['Framed-Route', 'Service-Type'] } })).toThrow(
      'identity up: Service-Type cannot be passed on to users',
    )
  })

  it('ends what is in flight when it is closed', async () => {
    const peer = await upstreamPeer(() => {})
    const store = upstreamStore([peer.server])
    const answer = expect(store.ask('right', 5000)).rejects.toThrow('the sockets were closed')
    await vi.waitFor(() => expect(peer.heard).toHaveLength(1))
    await store.close()
    await answer
  })
})
