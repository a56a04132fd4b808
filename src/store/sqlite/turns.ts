import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../domain/clock.ts'
import { Unavailable } from '../../domain/errors.ts'
import type { Access } from './calls.ts'
import { commitTogether, type GroupDatabase, type Outcome, outcomeOf } from './group-commit.ts'
import { GroupSize } from './group-size.ts'

/** Milliseconds after which a call is refused instead of begun: its login has other steps to take yet. */
const PATIENCE_MS = 2000

interface Waiting {
  readonly perform: () => Promise<unknown>
  /** Monotonic milliseconds. */
  readonly since: number
  readonly settle: (outcome: Outcome) => void
}

/**
 * Runs the waiting calls in turns: the reads first, each answered at once, then the writes as one group, answered after
 * its commit. Nothing waits for a timer: a group is what arrived while the previous one was written. If the file is too
 * slow for the load, calls that have waited too long are refused, so that the time goes to calls whose callers still wait.
 */
export class Turns {
  readonly #database: GroupDatabase
  readonly #clock: Clock
  readonly #reads: Waiting[] = []
  readonly #writes: Waiting[] = []
  readonly #size: GroupSize
  #running: Promise<void> | undefined

  constructor(database: GroupDatabase, clock: Clock) {
    this.#database = database
    this.#clock = clock
    this.#size = new GroupSize(clock)
  }

  /** @returns what the call comes to. @throws Unavailable if its turn does not come in time. */
  add<Value>(access: Access, perform: () => Promise<Value>): Promise<Value> {
    return new Promise<Value>((resolve, reject) => {
      const settle = (outcome: Outcome) =>
        outcome.kind === 'done' ? resolve(outcome.value as Value) : reject(outcome.error)
      const waiting = access === 'write' ? this.#writes : this.#reads
      waiting.push({ perform, since: this.#clock.monotonic(), settle })
      this.#running ??= this.#run()
    })
  }

  /** Resolves when every call that was added has its answer. */
  async finished(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    while (this.#reads.length + this.#writes.length > 0) {
      // Messages that have arrived by then belong to this turn.
      await answersSent()
      if (await this.#read(this.#reads.splice(0))) await answersSent()
      await this.#write(this.#writes.splice(0, this.#size.most))
    }
    this.#running = undefined
  }

  /** Refuses the calls that have waited too long. @returns the others. */
  #inTime(waiting: readonly Waiting[]): readonly Waiting[] {
    const now = this.#clock.monotonic()
    const isLate = ({ since }: Waiting) => now - since > PATIENCE_MS
    const error = new Unavailable('storage', `no turn within ${PATIENCE_MS} ms`)
    for (const late of waiting.filter(isLate)) late.settle({ kind: 'failed', error })
    return waiting.filter((each) => !isLate(each))
  }

  /** @returns whether there are writes that would keep the answers waiting. */
  async #read(waiting: readonly Waiting[]): Promise<boolean> {
    for (const { perform, settle } of this.#inTime(waiting)) settle(await outcomeOf(perform))
    return waiting.length > 0 && this.#writes.length > 0
  }

  async #write(waiting: readonly Waiting[]): Promise<void> {
    const calls = this.#inTime(waiting)
    if (calls.length === 0) return
    const writes = calls.map(({ perform }) => perform)
    const outcomes = await commitTogether(this.#database, writes, this.#size)
    for (const [index, outcome] of outcomes.entries()) calls[index]?.settle(outcome)
  }
}

/** The channel sends answers in the next turn of the event loop, at the latest before the one after it. */
async function answersSent(): Promise<void> {
  await nextTurn()
  await nextTurn()
}
