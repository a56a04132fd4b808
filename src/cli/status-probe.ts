import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AskForStatus, Probe, Service } from '../doctor/gateway/gateway-host.ts'
import { systemRandom } from '../domain/random.ts'
import { buildStatusServer, checkReply } from '../radius/authenticators.ts'
import { Attr, Code } from '../radius/codes.ts'
import { decodePacket } from '../radius/packet.ts'
import { SharedSecret } from '../radius/shared-secret.ts'

/** Milliseconds after which the request is sent again; the last wait ends the probe. */
const WAITS_MS = [300, 700, 1500]
const LAST_LOOK_MS = 50
const ANSWERS: Readonly<Record<Service, number>> = {
  auth: Code.AccessAccept,
  acct: Code.AccountingResponse,
}

/** Asks a RADIUS server as the gateway would, by a Status-Server (RFC 5997). */
export const askForStatus: AskForStatus = async ({ service, address, port, from, ...question }) => {
  const secret = new SharedSecret(Buffer.from(question.secret))
  const authenticator = systemRandom.bytes(16)
  const { nasIdentifier } = question
  const request = buildStatusServer({
    identifier: systemRandom.bytes(1).readUInt8(),
    authenticator,
    secret,
    attributes:
      nasIdentifier === undefined ? [] : [{ type: Attr.NasIdentifier, value: Buffer.from(nasIdentifier) }],
  })
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  try {
    const octets = await firstAnswer(socket, request, { address, port, from })
    if (octets === undefined) return 'silent'
    return verdictOn(octets, authenticator, secret, ANSWERS[service])
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED' ? 'refused' : 'silent'
  } finally {
    socket.close()
  }
}

async function firstAnswer(
  socket: Socket,
  request: Buffer,
  { address, port, from }: { address: string; port: number; from: string | undefined },
): Promise<Buffer | undefined> {
  if (from !== undefined) socket.bind(0, from)
  if (from !== undefined) await once(socket, 'listening')
  socket.connect(port, address)
  await once(socket, 'connect')
  const answer = once(socket, 'message').then(([octets]) => octets as Buffer)
  answer.catch(() => undefined)
  for (const wait of WAITS_MS) {
    socket.send(request)
    const octets = await Promise.race([answer, sleep(wait, undefined)])
    if (octets !== undefined) return octets
  }
  // On a busy machine an answer may lie there already, behind the timer.
  return Promise.race([answer, sleep(LAST_LOOK_MS, undefined)])
}

function verdictOn(octets: Buffer, asked: Buffer, secret: SharedSecret, expected: number): Probe {
  const reply = decodePacket(octets)
  const { authenticator, messageAuthenticator } = checkReply(reply, asked, secret)
  if (!authenticator || messageAuthenticator === 'invalid') return 'forged'
  return reply.code === expected ? 'answers' : 'swapped'
}
