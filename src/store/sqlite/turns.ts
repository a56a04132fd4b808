import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../domain/clock.ts'
import { Unavailable } from '../../domain/person.ts'
import { type Answer, type Call, failureOf, type Served } from './calls.ts'
import { commitTogether, type GroupDatabase, type Outcome, outcomeOf } from './group-commit.ts'
import { GroupSize } from './group-size.ts'

/** Milliseconds after which a call is not begun any more: a login that waits for it has other steps before it yet. */
const PATIENCE_MS = 2000

interface Waiting {
  readonly call: Call
  /** Monotonic milliseconds. */
  readonly since: number
}

type Methods = Readonly<Record<string, (...args: readonly unknown[]) => Promise<unknown>>>

/**
 * Takes the calls that wait in turns: the reads first, answered at once, then the writes as one group, answered
 * when it is committed. Nothing waits for a timer: a group is what came in while the one before was written. Where the
 * file is too slow for what is asked, what has waited for too long is given up, so that its time goes to calls for
 * which somebody still waits.
 */
export class Turns {
  readonly #database: GroupDatabase
  readonly #nouns: Readonly<Record<string, Methods>>
  readonly #answer: (answers: readonly Answer[]) => void
  readonly #clock: Clock
  readonly #reads: Waiting[] = []
  readonly #writes: Waiting[] = []
  readonly #size: GroupSize
  #running: Promise<void> | undefined

  constructor(
    database: GroupDatabase,
    served: Served,
    answer: (answers: readonly Answer[]) => void,
    clock: Clock,
  ) {
    this.#clock = clock
    this.#size = new GroupSize(clock)
    this.#database = database
    this.#nouns = served as unknown as Readonly<Record<string, Methods>>
    this.#answer = answer
  }

  add(calls: readonly Call[]): void {
    const since = this.#clock.monotonic()
    for (const call of calls) (call.access === 'read' ? this.#reads : this.#writes).push({ call, since })
    this.#running ??= this.#run()
  }

  /** Resolves when every call that was added has its answer. */
  async finished(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    while (this.#reads.length + this.#writes.length > 0) {
      // Messages that have arrived by now belong to this turn.
      await nextTurn()
      await this.#read(this.#reads.splice(0))
      await this.#write(this.#writes.splice(0, this.#size.most))
    }
    this.#running = undefined
  }

  /** @returns the calls for which somebody still waits; the others are answered. */
  #inTime(waiting: readonly Waiting[]): readonly Call[] {
    const now = this.#clock.monotonic()
    const isLate = ({ since }: Waiting) => now - since > PATIENCE_MS
    const late = waiting.filter(isLate)
    if (late.length > 0) {
      const failure = failureOf(new Unavailable('storage', `no turn within ${PATIENCE_MS} ms`))
      this.#answer(late.map(({ call }) => ({ id: call.id, failure })))
    }
    return waiting.filter((each) => !isLate(each)).map(({ call }) => call)
  }

  async #read(waiting: readonly Waiting[]): Promise<void> {
    const answers: Answer[] = []
    for (const call of this.#inTime(waiting))
      answers.push(answerOf(call, await outcomeOf(() => this.#perform(call))))
    if (answers.length > 0) this.#answer(answers)
  }

  async #write(waiting: readonly Waiting[]): Promise<void> {
    const calls = this.#inTime(waiting)
    if (calls.length === 0) return
    const outcomes = await commitTogether(
      this.#database,
      calls.map((call) => () => this.#perform(call)),
      this.#size,
    )
    this.#answer(calls.map((call, index) => answerOf(call, outcomes[index])))
  }

  async #perform({ noun, method, args }: Call): Promise<unknown> {
    const methods = this.#nouns[noun]
    const perform = methods?.[method]
    if (perform === undefined) throw new Error(`the records have no ${noun}.${method}`)
    return perform.apply(methods, [...args])
  }
}

function answerOf({ id }: Call, outcome: Outcome | undefined): Answer {
  if (outcome?.kind === 'done') return { id, value: outcome.value }
  return { id, failure: failureOf(outcome?.error) }
}
