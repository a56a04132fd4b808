import { codeOf, PERIOD } from './users.ts'

/** Longer than a login takes here, so that a code is still good when the server looks at it. */
const MARGIN_MS = 6000

const GOLDEN = (Math.sqrt(5) - 1) / 2

export class OutOfCodes extends Error {
  override readonly name = 'OutOfCodes'
}

/**
 * Users in turn, and a code for each that was not used before: of the step before, of this one or of the next, all
 * of which a server takes that allows for clocks that are off by a step.
 */
export class CodeSchedule {
  readonly #from: number
  readonly #lastStep: Float64Array
  readonly #spendsCodes: boolean
  readonly #stride: number
  #next = 0

  constructor(users: { readonly from: number; readonly to: number }, spendsCodes: boolean) {
    this.#from = users.from
    this.#lastStep = new Float64Array(users.to - users.from).fill(-1)
    this.#spendsCodes = spendsCodes
    this.#stride = strideThrough(this.#lastStep.length)
  }

  /** A user who has a code left. @throws OutOfCodes */
  take(): number {
    const { latest } = steps()
    for (let tries = 0; tries < this.#lastStep.length; tries += 1) {
      const user = this.next()
      if (!this.#spendsCodes || (this.#lastStep[user - this.#from] ?? 0) < latest) return user
    }
    throw new OutOfCodes('every user has logged in with every code that is good now')
  }

  /** The user whose turn it is, whether or not a code is left. */
  next(): number {
    const user = this.#next
    this.#next = (this.#next + this.#stride) % this.#lastStep.length
    return this.#from + user
  }

  /** A code of a user whom `take` gave; it is spent by that. */
  code(user: number): string {
    const { earliest, now } = steps()
    if (!this.#spendsCodes) return codeOf(user, now)
    const step = Math.max(earliest, (this.#lastStep[user - this.#from] ?? 0) + 1)
    this.#lastStep[user - this.#from] = step
    return codeOf(user, step)
  }
}

/** Reaches everybody, and no two neighbours one after the other: real users do not log in by the alphabet. */
function strideThrough(users: number): number {
  let stride = Math.max(1, Math.round(users * GOLDEN))
  while (commonDivisor(stride, users) > 1) stride += 1
  return stride
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b)
}

function steps(): { earliest: number; now: number; latest: number } {
  const seconds = Date.now() / 1000
  const now = Math.floor(seconds / PERIOD)
  return { earliest: Math.floor((seconds + MARGIN_MS / 1000) / PERIOD) - 1, now, latest: now + 1 }
}
