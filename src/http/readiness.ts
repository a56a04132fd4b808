import type { Clock } from '../domain/clock.ts'
import type { Dependency } from '../domain/dependency.ts'
import { Unavailable } from '../domain/errors.ts'

/** What a dependency said when it was asked last. */
export interface DependencyState {
  readonly name: string
  readonly ready: boolean
  /** Why it is not ready. */
  readonly detail?: string
  /** How long it took to say so. */
  readonly milliseconds: number
}

const CHECK_WITHIN_MS = 3_000
/** Dependencies are asked once in this time, however often their state is asked for. */
const READINESS_TTL_MS = 1_000

/** Asks what logins depend on, for `/readyz` and for the metrics. */
export class Readiness {
  readonly #dependencies: readonly Dependency[]
  readonly #clock: Clock
  #latest: { readonly at: number; readonly states: Promise<readonly DependencyState[]> } | undefined

  constructor(dependencies: readonly Dependency[], clock: Clock) {
    this.#dependencies = dependencies
    this.#clock = clock
  }

  /** Never rejects, and takes no longer than 3 s. */
  look(): Promise<readonly DependencyState[]> {
    const now = this.#clock.monotonic()
    if (this.#latest === undefined || now - this.#latest.at > READINESS_TTL_MS)
      this.#latest = { at: now, states: Promise.all(this.#dependencies.map((each) => this.#check(each))) }
    return this.#latest.states
  }

  async #check({ name, checkReady }: Dependency): Promise<DependencyState> {
    const startedAt = this.#clock.monotonic()
    const milliseconds = () => Math.round((this.#clock.monotonic() - startedAt) * 10) / 10
    try {
      await within(checkReady(startedAt + CHECK_WITHIN_MS))
      return { name, ready: true, milliseconds: milliseconds() }
    } catch (error) {
      // An unexpected error may reveal too much; it is in the log.
      const detail = error instanceof Unavailable ? error.message : 'the check failed'
      return { name, ready: false, detail, milliseconds: milliseconds() }
    }
  }
}

async function within(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Unavailable('check', 'no answer in time')), CHECK_WITHIN_MS)
  })
  try {
    await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
