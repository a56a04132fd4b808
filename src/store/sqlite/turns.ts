import type { DatabaseSync } from 'node:sqlite'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { systemClock } from '../../domain/clock.ts'
import { type Answer, type Call, failureOf, type Served } from './calls.ts'
import { commitTogether, type Outcome, outcomeOf } from './group-commit.ts'
import { GroupSize } from './group-size.ts'

type Methods = Readonly<Record<string, (...args: readonly unknown[]) => Promise<unknown>>>

/**
 * Takes the calls that wait in turns: the reads first, answered at once, then the writes as one group, answered
 * when it is committed. Nothing waits for a timer: a group is what came in while the one before was written.
 */
export class Turns {
  readonly #database: DatabaseSync
  readonly #nouns: Readonly<Record<string, Methods>>
  readonly #answer: (answers: readonly Answer[]) => void
  readonly #reads: Call[] = []
  readonly #writes: Call[] = []
  readonly #size = new GroupSize(systemClock)
  #running: Promise<void> | undefined

  constructor(database: DatabaseSync, served: Served, answer: (answers: readonly Answer[]) => void) {
    this.#database = database
    this.#nouns = served as unknown as Readonly<Record<string, Methods>>
    this.#answer = answer
  }

  add(calls: readonly Call[]): void {
    for (const call of calls) (call.access === 'read' ? this.#reads : this.#writes).push(call)
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

  async #read(calls: readonly Call[]): Promise<void> {
    const answers: Answer[] = []
    for (const call of calls) answers.push(answerOf(call, await outcomeOf(() => this.#perform(call))))
    if (answers.length > 0) this.#answer(answers)
  }

  async #write(calls: readonly Call[]): Promise<void> {
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
