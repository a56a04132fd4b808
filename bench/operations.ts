import { randomBytes } from 'node:crypto'
import { Attr, Code } from '../src/radius/codes.ts'
import { encodeAttribute } from '../src/radius/dictionary.ts'
import { first, type NewAttribute, type Packet, text } from '../src/radius/packet.ts'
import type { CodeSchedule } from './code-schedule.ts'
import type { Operation } from './commands.ts'
import type { Answer, Gateway } from './gateway.ts'
import { PASSWORD, userAddress, userName } from './users.ts'

/** A password that was right, and the challenge that it brought. */
export interface Challenged {
  readonly user: number
  readonly state: Buffer
}

export interface Scene {
  readonly gateway: Gateway
  readonly schedule: CodeSchedule
  /** What `password` leaves for `answer`. */
  readonly challenged: Challenged[]
  /** Takes the latency of a part of the operation. */
  note(part: string, milliseconds: number): void
}

/** No State is left to answer. */
export class NothingLeft extends Error {
  override readonly name = 'NothingLeft'
}

/** Attributes of an Access-Request that every login has, as ocserv 1.5 sends them. */
const OF_A_LOGIN = [
  encodeAttribute('NAS-IP-Address', '192.0.2.1'),
  encodeAttribute('NAS-Identifier', 'gw1.example'),
  encodeAttribute('Connect-Info', 'Open AnyConnect VPN Agent v9.12'),
  encodeAttribute('Service-Type', 'Authenticate-Only'),
  encodeAttribute('NAS-Port-Type', 'Async'),
]

const OF_A_START = [
  encodeAttribute('Acct-Status-Type', 'Start'),
  encodeAttribute('NAS-Identifier', 'gw1.example'),
  encodeAttribute('NAS-IP-Address', '192.0.2.1'),
  encodeAttribute('Service-Type', 'Framed-User'),
  encodeAttribute('Framed-Protocol', 'PPP'),
  encodeAttribute('Acct-Authentic', 'RADIUS'),
  encodeAttribute('Acct-Delay-Time', 0),
]

const WRONG_PASSWORD = Buffer.from('wrong horse battery staple 000000')
const SESSION_OCTETS = 20

export const OPERATIONS: Readonly<Record<Operation, (scene: Scene) => Promise<void>>> = {
  async status({ gateway, note }) {
    const answer = await gateway.status()
    expect(answer, Code.AccessAccept)
    note('status', answer.milliseconds)
  },

  async accounting({ gateway, schedule, note }) {
    const user = schedule.take()
    const session = randomBytes(SESSION_OCTETS).toString('base64')
    const answer = await gateway.accounting([
      ...OF_A_START,
      name(user),
      calling(user),
      { type: Attr.AcctSessionId, value: Buffer.from(session) },
    ])
    expect(answer, Code.AccountingResponse)
    note('start', answer.milliseconds)
  },

  async challenge(scene) {
    const challenged = await typePassword(scene)
    const milliseconds = await answerChallenge(scene, challenged)
    scene.note('login', challenged.milliseconds + milliseconds)
  },

  async password(scene) {
    scene.challenged.push(await typePassword(scene))
  },

  async answer(scene) {
    const challenged = scene.challenged.pop()
    if (challenged === undefined) throw new NothingLeft('every challenge has been answered')
    await answerChallenge(scene, challenged)
  },

  async append({ gateway, schedule, note }) {
    const user = schedule.take()
    const answer = await gateway.login(Buffer.from(PASSWORD + schedule.code(user)), attributesOf(user))
    expect(answer, Code.AccessAccept)
    note('login', answer.milliseconds)
  },

  async plain({ gateway, schedule, note }) {
    const user = schedule.take()
    const answer = await gateway.login(Buffer.from(PASSWORD), attributesOf(user))
    expect(answer, Code.AccessAccept)
    note('login', answer.milliseconds)
  },

  async reject({ gateway, schedule, note }) {
    const answer = await gateway.login(WRONG_PASSWORD, attributesOf(schedule.next()))
    expect(answer, Code.AccessReject)
    note('reject', answer.milliseconds)
  },

  async code({ gateway, schedule, note }) {
    const user = schedule.take()
    const answer = await gateway.login(Buffer.from(schedule.code(user)), attributesOf(user))
    expect(answer, Code.AccessAccept)
    note('login', answer.milliseconds)
  },
}

async function typePassword({
  gateway,
  schedule,
  note,
}: Scene): Promise<Challenged & { milliseconds: number }> {
  const user = schedule.take()
  const answer = await gateway.login(Buffer.from(PASSWORD), attributesOf(user))
  expect(answer, Code.AccessChallenge)
  const state = first(answer.reply, Attr.State)
  if (state === undefined) throw new Error('a challenge without State')
  note('password', answer.milliseconds)
  return { user, state: Buffer.from(state), milliseconds: answer.milliseconds }
}

async function answerChallenge(
  { gateway, schedule, note }: Scene,
  { user, state }: Challenged,
): Promise<number> {
  const attributes = attributesOf(user)
  attributes.push({ type: Attr.State, value: state })
  const answer = await gateway.login(Buffer.from(schedule.code(user)), attributes)
  expect(answer, Code.AccessAccept)
  note('code', answer.milliseconds)
  return answer.milliseconds
}

function attributesOf(user: number): [NewAttribute, ...NewAttribute[]] {
  return [name(user), calling(user), ...OF_A_LOGIN]
}

function name(user: number): NewAttribute {
  return { type: Attr.UserName, value: Buffer.from(userName(user)) }
}

function calling(user: number): NewAttribute {
  return { type: Attr.CallingStationId, value: Buffer.from(userAddress(user)) }
}

function expect({ reply }: Answer, code: number): void {
  if (reply.code !== code) throw new Error(`code ${reply.code} instead of ${code}${messageOf(reply)}`)
}

function messageOf(reply: Packet): string {
  const message = first(reply, Attr.ReplyMessage)
  return message === undefined ? '' : `: ${text(message)}`
}
