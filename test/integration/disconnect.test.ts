import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { systemRandom } from '../../src/domain/random.ts'
import { signReply } from '../../src/radius/authenticators.ts'
import { Attr, Code } from '../../src/radius/codes.ts'
import { decodePacket, type Packet } from '../../src/radius/packet.ts'
import { SharedSecret } from '../../src/radius/shared-secret.ts'
import { disconnect } from '../../src/transport/disconnect.ts'
import { ask } from '../http/ask.ts'
import { startTestBroker, type TestBroker } from '../http/test-broker.ts'
import { type FreeradiusCoa, startFreeradiusCoa } from '../real/freeradius-coa.ts'
import { describeWith } from '../real/needs.ts'
import { accounting, unique } from '../store/samples.ts'

const SECRET = 'a-secret-of-good-length'
const secret = new SharedSecret(Buffer.from(SECRET))
const WAITS = [300, 300, 300]

/** A gateway that answers as the test says. */
async function gateway(answer: (request: Packet, nth: number) => readonly Buffer[]) {
  const socket: Socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  onTestFinished(() => void socket.close())
  const received: Buffer[] = []
  socket.on('message', (datagram, from) => {
    received.push(datagram)
    for (const octets of answer(decodePacket(datagram), received.length))
      socket.send(octets, from.port, from.address)
  })
  const { port } = socket.address() as AddressInfo
  return { received, server: { host: '127.0.0.1', port, secret } }
}

const reply = (request: Packet, code: number, more: Partial<Parameters<typeof signReply>[0]> = {}) =>
  signReply({ code, request, attributes: [], secret, messageAuthenticator: true, ...more })
const session = [{ type: Attr.AcctSessionId, value: Buffer.from('a1') }]
const errorCause = (cause: number) => {
  const value = Buffer.alloc(4)
  value.writeUInt32BE(cause)
  return [{ type: Attr.ErrorCause, value }]
}

describe('a Disconnect-Request', () => {
  test('is sent again with the same octets while its answer is lost', async () => {
    const { server, received } = await gateway((request, nth) =>
      nth < 3 ? [] : [reply(request, Code.DisconnectAck)],
    )
    expect(await disconnect(server, session, systemRandom, WAITS)).toEqual({ kind: 'ended' })
    expect(received).toHaveLength(3)
    expect(new Set(received.map((octets) => octets.toString('hex'))).size).toBe(1)
    const [request] = received.map((octets) => decodePacket(octets))
    expect(request?.code).toBe(40)
    // The authenticator is an Accounting-Request's (RFC 5176 §2.3).
    const octets = Buffer.from(received[0] ?? [])
    const digest = octets.subarray(4, 20)
    expect(secret.authenticator(octets, Buffer.alloc(16)).equals(digest)).toBe(true)
    expect(request?.attributes[0]?.type).toBe(Attr.MessageAuthenticator)
  })

  test('believes no answer that is not signed with the secret, of another request, or no packet', async () => {
    const other = new SharedSecret(Buffer.from('another secret of good length'))
    const { server, received } = await gateway((request) => {
      const forged = reply(request, Code.DisconnectAck)
      forged.writeUInt8(forged.readUInt8(4) ^ 1, 4)
      const unsigned = Buffer.from(reply(request, Code.DisconnectAck))
      unsigned.writeUInt8(unsigned.readUInt8(30) ^ 1, 30)
      const elsewhere = { ...request, identifier: (request.identifier + 1) % 256 }
      return [
        forged,
        unsigned,
        reply(request, Code.DisconnectAck, { secret: other }),
        reply(elsewhere, Code.DisconnectAck),
        Buffer.from('no packet'),
        reply(request, Code.AccessAccept),
      ]
    })
    expect(await disconnect(server, session, systemRandom, WAITS)).toEqual({ kind: 'silent' })
    expect(received).toHaveLength(3)
  })

  test('reads why it is refused', async () => {
    for (const [cause, attributes] of [
      [504, errorCause(504)],
      [undefined, []],
      [undefined, [{ type: Attr.ErrorCause, value: Buffer.from([1]) }]],
    ] as const) {
      const { server } = await gateway((request) => [reply(request, Code.DisconnectNak, { attributes })])
      const answer = await disconnect(server, session, systemRandom, WAITS)
      expect(answer).toEqual({ kind: 'refused', errorCause: cause })
    }
  })

  test('to nobody is silence', async () => {
    const { server } = await gateway(() => [])
    expect(await disconnect({ ...server, port: 9 }, session, systemRandom, [50, 50])).toEqual({
      kind: 'silent',
    })
  })
})

describeWith(['freeradius'], 'a gateway of another make', () => {
  const resources = new AsyncDisposableStack()
  let other: FreeradiusCoa
  let broker: TestBroker
  beforeAll(async () => {
    other = await startFreeradiusCoa(SECRET)
    resources.defer(other.stop)
    const gateways = [
      {
        name: 'other',
        address: '127.0.0.1',
        secret: 'between-gateway-and-broker',
        disconnect: { port: other.port, secret: SECRET },
      },
    ]
    broker = await startTestBroker({ gateways }, (end) => void resources.defer(end))
  })
  afterAll(() => resources.disposeAsync())

  const begin = (user: string, acctSession: string) =>
    broker.records.sessions.record(
      accounting('start', user, acctSession, {
        gateway: 'other',
        nas: '127.0.0.1 vpn-other',
        ipv4: '10.8.0.7',
        at: Date.now(),
      }),
    )

  test('ends sessions by Disconnect-Request, refuses, or does not have them', async () => {
    const token = await broker.token()
    const user = unique('user')
    for (const acct of ['known', 'kept', 'missing']) await begin(user, acct)
    const url = `${broker.url}/api/v1/sessions/end`
    const { status, json } = await ask(url, { token, json: { user, reason: 'laptop stolen' } })
    expect([status, json.sessions, json.unreached]).toEqual([202, 3, []])
    const outcomes = async () => {
      const orders = await broker.records.orders.list({ gateway: 'other', limit: 9 })
      return Object.fromEntries(
        orders.map(({ target, outcome, detail }) => [
          'session' in target && target.session,
          [outcome, detail],
        ]),
      )
    }
    await expect.poll(outcomes).toEqual({
      known: ['done', 'laptop stolen'],
      kept: ['failed', 'the gateway refuses: Error-Cause 504 Session Context Not Removable'],
      missing: ['absent', 'laptop stolen'],
    })
    const shown = other.process.output()
    for (const text of [
      `User-Name = "${user}"`,
      'NAS-Identifier = "vpn-other"',
      'Framed-IP-Address = 10.8.0.7',
      'Acct-Session-Id = "known"',
    ])
      expect(shown).toContain(text)
    const events = await broker.records.audit.list({ kinds: ['session.end_answered'], limit: 9 })
    expect(events.map(({ reason }) => reason).toSorted()).toEqual(['absent', 'done', 'failed'])
  })
})
