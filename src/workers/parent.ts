import type { Clock } from '../domain/clock.ts'
import type { FromWorker, ToWorker } from './messages.ts'
import { Wire } from './wire.ts'

export interface ParentOptions {
  /** Answers what the parent asks. */
  readonly answer: (what: string) => Promise<unknown>
  /** What the worker that this one follows passes on. */
  readonly inherit: (what: unknown) => void
  /** What another worker wants all to know. */
  readonly hear: (news: unknown) => void
  /** The worker that this one follows has ended, and left these behind. */
  readonly beAlone: (left: readonly string[]) => void
  readonly clock: Clock
}

/** Why a worker is to end: `gone` is its parent, without which it cannot go on. */
export type Ending = 'stop' | 'handOver' | 'gone'

/** The process that started this one, as this one sees it. */
export class Parent {
  readonly #wire: Wire
  /** What this worker is to do. */
  readonly order: Promise<unknown>
  /** It may read from its sockets. */
  readonly begun: Promise<void>
  readonly ending: Promise<Ending>

  constructor({ answer, inherit, hear, beAlone, clock }: ParentOptions) {
    const order = Promise.withResolvers<unknown>()
    const begun = Promise.withResolvers<void>()
    const ending = Promise.withResolvers<Ending>()
    this.#wire = new Wire({
      name: 'parent process',
      answer,
      clock,
      send: (message, done) => {
        if (process.connected) process.send?.(message, undefined, undefined, done)
        return process.connected
      },
    })
    process.on('message', (message: ToWorker) => {
      if (message.kind === 'questions') this.#wire.take(message.questions)
      else if (message.kind === 'answers') this.#wire.settle(message.answers)
      else if (message.kind === 'inheritance') inherit(message.what)
      else if (message.kind === 'news') hear(message.news)
      else if (message.kind === 'alone') beAlone(message.left)
      else if (message.kind === 'start') order.resolve(message.order)
      else if (message.kind === 'begin') begun.resolve()
      else ending.resolve(message.kind)
    })
    process.on('disconnect', () => {
      this.#wire.cut()
      ending.resolve('gone')
    })
    this.order = order.promise
    this.begun = begun.promise
    this.ending = ending.promise
  }

  /** @throws Unavailable */
  ask(what: string, about?: unknown): Promise<unknown> {
    return this.#wire.ask(what, about)
  }

  tell(message: FromWorker): void {
    if (process.connected) process.send?.(message, undefined, undefined, () => undefined)
  }

  /** Resolves when all that was told is on its way and nothing more can be. */
  async leave(message?: FromWorker): Promise<void> {
    if (!process.connected) return
    if (message !== undefined)
      await new Promise((resolve) => process.send?.(message, undefined, undefined, resolve))
    process.disconnect?.()
  }
}
