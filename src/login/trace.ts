/** A step of a login that was taken. */
export interface TakenStep {
  /** As in the table of steps. */
  readonly step: string
  /** Milliseconds, with one decimal. */
  readonly ms: number
  /** Whether the event was written within it, so that it took longer. */
  readonly isOpen: boolean
  /** What it was about: the identity stores, what was typed. */
  readonly about?: string
}

/** The steps of one login, and how long each took, in a line for its event: `loadContext 1.2 local corp;firstFactor 41+`. */
export class Trace {
  #text = ''
  #step: string | undefined
  #at: number

  /** @param at when the login began, in monotonic milliseconds. */
  constructor(at: number) {
    this.#at = at
  }

  enter(step: string): void {
    this.#step = step
  }

  /** @param at monotonic milliseconds. @param about words of letters, digits and the like. */
  leave(at: number, about = ''): void {
    this.#text += `${this.#line(at)}${about === '' ? '' : ` ${about}`};`
    this.#step = undefined
    this.#at = at
  }

  /** @param at monotonic milliseconds. */
  text(at: number): string {
    return this.#step === undefined ? this.#text.slice(0, -1) : `${this.#text}${this.#line(at)}+`
  }

  #line(at: number): string {
    return `${this.#step} ${Math.round((at - this.#at) * 10) / 10}`
  }
}

/** Reads `Trace.text`. */
export function stepsIn(text: string): readonly TakenStep[] {
  return text.split(';').flatMap((line) => {
    const [, step, ms, open, about] = /^(\w+) ([\d.]+)(\+?)(?: (.*))?$/.exec(line) ?? []
    if (step === undefined) return []
    return { step, ms: Number(ms), isOpen: open === '+', about }
  })
}
