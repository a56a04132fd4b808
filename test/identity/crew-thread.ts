import { parentPort, workerData } from 'node:worker_threads'
import type { Asked, FromThread, Outcome, ThreadStart, ToThread } from '../../src/identity/ldap/calls.ts'
import { Decoder } from '../../src/identity/ldap/ldapjs-coding.ts'
import { Doing, Slots } from '../../src/identity/ldap/slots.ts'
import { element } from '../real/ber.ts'
import { message } from '../real/hostile-ldap.ts'

/**
 * A thread that speaks to no directory: the user's name says what it does with a question. Names up to a blank are
 * `quick`, `slow` (200 ms), `never`, `waits` (for its password, which is its answer), `bound` (the password is sent, no answer), `endless` (ldapjs reads a malformed
 * entry) and `crash` (after its answer).
 */
const { slots: memory }: ThreadStart = workerData
const slots = Slots.over(memory)
setInterval(() => slots.beat(), 20).unref()

const OVERRUNNING = message(
  1,
  element(
    0x64,
    element(0x04, ''),
    element(0x30, element(0x30, element(0x04, 'cn'), element(0x31, Buffer.from([0x04, 0x7f, 0x61])))),
  ),
)

function work([slot, , question]: Asked): void {
  const user = String(question[1])
  const answer = () =>
    send({ kind: 'answers', answers: [[slot, { kind: 'barred', detail: user } satisfies Outcome]] })
  if (question[0] === 'password') {
    answer()
    return
  }
  send({ kind: 'log', line: { level: 'info', event: 'asked', fields: { user } } })
  switch (user.split(' ')[0]) {
    case 'quick':
      answer()
      break
    case 'slow':
      setTimeout(answer, 200)
      break
    case 'bound':
      slots.raise(slot, Doing.bindSent)
      break
    case 'endless':
      slots.raise(slot, Doing.decoding)
      new Decoder().decode(OVERRUNNING)
      break
    case 'crash':
      answer()
      setImmediate(() => {
        throw new Error('a fault of its own')
      })
  }
}

function send(sent: FromThread): void {
  parentPort?.postMessage(sent)
}

parentPort?.on('message', (received: ToThread) => {
  if (received.kind === 'close') process.exit()
  for (const asked of received.asked) work(asked)
})
send({ kind: 'ready' })
