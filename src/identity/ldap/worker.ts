import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../domain/clock.ts'
import { Deadlines, type Timed } from '../../domain/deadlines.ts'
import type { Log } from '../../domain/log.ts'
import type { Answered, Asked, FromThread, LogLine, Outcome, ThreadStart, ToThread } from './calls.ts'
import { Directory } from './directory.ts'
import { Job } from './job.ts'
import { Slots } from './slots.ts'

/** The thread in which the octets of a directory are read. Should one of its readers never come back, it is ended. */
const TICK_MS = 20

const { settings, slots: memory }: ThreadStart = workerData
const slots = Slots.over(memory)
const clock = systemClock
const deadlines = new Deadlines({ clock, everyMs: TICK_MS, onTick: () => slots.beat() })
const log = remoteLog()
const directory = new Directory({ settings, deadlines, clock, log })

let answers: Answered[] = []
/** By their slots, those that wait for their password. */
const begun = new Map<number, Job>()

function work([slot, budgetMs, question]: Asked): void {
  if (question[0] === 'password') {
    begun.get(slot)?.learn(question[1])
    begun.delete(slot)
    return
  }
  const job = new Job(slot, clock.monotonic() + budgetMs, slots)
  if (question[0] === 'begin') begun.set(slot, job)
  let isAnswered = false
  const answer = (outcome: Outcome) => {
    if (isAnswered) return
    isAnswered = true
    job.end()
    begun.delete(slot)
    deadlines.remove(timed)
    // One message for all answers of this turn: messages cost more than what is in them.
    if (answers.push([slot, outcome]) === 1) setImmediate(flush)
  }
  const timed: Timed = {
    // What the job waits for ends first and says what it was.
    expiresAt: job.expiresAt + 2 * TICK_MS,
    expire: () => answer({ kind: 'unavailable', cause: 'no answer in time', sent: job.isBindSent }),
  }
  deadlines.add(timed)
  directory.answer(job, question).then(answer, (error: unknown) => {
    log.error('ldap.fault', {
      identity: settings.name,
      fault: error instanceof Error ? error.stack : String(error),
    })
    answer({ kind: 'unavailable', cause: 'a fault of the broker', sent: job.isBindSent })
  })
}

function flush(): void {
  const ready = answers
  answers = []
  send({ kind: 'answers', answers: ready })
}

function send(message: FromThread): void {
  parentPort?.postMessage(message)
}

function remoteLog(): Log {
  const at =
    (level: LogLine['level']) =>
    (event: string, fields: LogLine['fields'] = {}) =>
      send({ kind: 'log', line: { level, event, fields } })
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

parentPort?.on('message', (message: ToThread) => {
  slots.beat()
  if (message.kind === 'ask') {
    for (const asked of message.asked) work(asked)
    return
  }
  directory.close()
  parentPort?.close()
})
send({ kind: 'ready' })
