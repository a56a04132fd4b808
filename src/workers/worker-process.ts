import { type ChildProcess, fork } from 'node:child_process'
import type { Clock } from '../domain/clock.ts'
import type { FromWorker, ToWorker } from './messages.ts'
import { Wire } from './wire.ts'

/** A worker that would not serve, in its own words. */
export class WorkerRefused extends Error {
  override readonly name = 'WorkerRefused'
}

export interface WorkerProcessOptions {
  /** The module that it runs. */
  readonly entry: URL
  /** Descriptors of this process that it gets as 4, 5 … */
  readonly fds: readonly number[]
  /** Of this process alone, for all time. */
  readonly name: string
  /** What it is to do, in plain JSON. */
  readonly order: unknown
  readonly answer: (what: string, about: unknown) => Promise<unknown>
  readonly passOn: (what: unknown) => void
  readonly spread: (news: unknown) => void
  readonly clock: Clock
}

interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** One worker, from its start to its end. */
export class WorkerProcess {
  readonly #child: ChildProcess
  readonly #wire: Wire
  readonly #ready: Promise<void>
  readonly pid: number
  readonly startedAt: number
  /** Resolves when it reads from its sockets. @throws WorkerRefused also where it ends before. */
  readonly serving: Promise<void>
  /** What it then says of itself. */
  said: unknown
  /** Resolves when it has handed its sockets over, or has ended. */
  readonly handedOver: Promise<void>
  readonly ended: Promise<Ended>
  /** Its own name and those of workers that have ended, of whose things on disk it takes care. */
  readonly keeps: Set<string>
  /** It has been told to end. */
  isLeaving = false

  constructor(options: WorkerProcessOptions) {
    const { entry, fds, name, order, answer, passOn, spread, clock } = options
    this.keeps = new Set([name])
    this.#child = fork(entry, { stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...fds] })
    // A process that could not be started has none, and is told of by `error`.
    this.pid = this.#child.pid ?? 0
    this.startedAt = clock.monotonic()
    this.#wire = new Wire({
      name: 'worker',
      answer,
      clock,
      send: (message, done) => {
        if (this.#child.connected) this.#child.send(message, done)
        return this.#child.connected
      },
    })
    const ready = Promise.withResolvers<void>()
    const serving = Promise.withResolvers<void>()
    const handedOver = Promise.withResolvers<void>()
    const ended = Promise.withResolvers<Ended>()
    let refusal: string | undefined
    this.#child.on('message', (message: FromWorker) => {
      if (message.kind === 'questions') this.#wire.take(message.questions)
      else if (message.kind === 'answers') this.#wire.settle(message.answers)
      else if (message.kind === 'inheritance') passOn(message.what)
      else if (message.kind === 'news') spread(message.news)
      else if (message.kind === 'ready') ready.resolve()
      else if (message.kind === 'serving') {
        this.said = message.about
        serving.resolve()
      } else if (message.kind === 'handedOver') handedOver.resolve()
      else refusal = message.message
    })
    const end = (how: Ended, why: string) => {
      const refused = new WorkerRefused(refusal ?? why)
      this.#wire.cut()
      ready.reject(refused)
      serving.reject(refused)
      handedOver.resolve()
      ended.resolve(how)
    }
    this.#child.on('error', (error) => {
      if (this.#child.pid === undefined) end({ code: null, signal: null }, error.message)
    })
    // Not at its exit: its last words, answers for the one that follows it among them, may still have to be read then.
    this.#child.on('close', (code, signal) => {
      end({ code, signal }, `a worker ended before it served (${signal ?? `exit code ${code}`})`)
    })
    // Whoever waits hears of it; where nobody does it is no fault of this process.
    for (const each of [ready.promise, serving.promise]) each.catch(() => undefined)
    this.#ready = ready.promise
    this.serving = serving.promise
    this.handedOver = handedOver.promise
    this.ended = ended.promise
    this.tell({ kind: 'start', order })
  }

  /** @throws WorkerRefused where it ends before, or is not ready in time, which ends it. */
  async whenReady(withinMs: number): Promise<void> {
    const late = Promise.withResolvers<void>()
    const timer = setTimeout(() => {
      late.reject(new WorkerRefused(`a worker was not ready within ${withinMs / 1000} s`))
      void this.end(0)
    }, withinMs)
    await Promise.race([this.#ready, late.promise]).finally(() => clearTimeout(timer))
  }

  tell(message: ToWorker): void {
    // One that has ended meanwhile needs no telling.
    if (this.#child.connected) this.#child.send(message, () => undefined)
  }

  /** @throws Unavailable */
  ask(what: string): Promise<unknown> {
    return this.#wire.ask(what)
  }

  /** Resolves when it has ended; one that takes longer than `withinMs` is killed. */
  async end(withinMs: number): Promise<void> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), withinMs)
    await this.ended
    clearTimeout(timer)
  }
}
