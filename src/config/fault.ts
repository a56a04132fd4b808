/** Where in the configuration: keys and list positions, as in `['gateways', 0, 'address']`. */
export type Path = readonly (string | number)[]

/** One thing that is wrong with a configuration, or, as a warning, that is allowed but unwise. Holds no secret. */
export interface Fault {
  /** As people write it: `gateways[0].address`; empty where the file as a whole is meant. */
  readonly path: string
  /** Line in the file, from 1. */
  readonly line?: number
  /** Reads on after the path: `has no unit`. */
  readonly problem: string
  /** What to write or do instead. */
  readonly suggestion?: string
}

/** Why one value could not be read; the value's place is added by whoever knows it. */
export class Slip {
  readonly problem: string
  readonly suggestion: string | undefined

  constructor(problem: string, suggestion?: string) {
    this.problem = problem
    this.suggestion = suggestion
  }
}

/** Collects what the checks find. A check that finds something goes on, so that all faults are told at once. */
export interface Report {
  /** What the file says at this place, unread; undefined where it says nothing. */
  at(path: Path): unknown
  /** Whether the file says anything here, right or wrong, or has a misspelt key that was meant to. */
  given(path: Path): boolean
  fault(path: Path, problem: string, suggestion?: string): void
  warn(path: Path, problem: string, suggestion?: string): void
}

const LONGEST_ECHO = 60

/** The value in quotes, on one line and cut short, for a message. Never call it with a secret. */
export function echo(value: unknown): string {
  const quoted = typeof value === 'string' ? JSON.stringify(value) : String(value)
  // JSON leaves those control characters as they are that some terminals obey.
  const text = quoted.replaceAll(/\p{C}/gu, (sign) => `\\u{${sign.codePointAt(0)?.toString(16)}}`)
  return text.length > LONGEST_ECHO ? `${text.slice(0, LONGEST_ECHO)}…` : text
}

export function pathText(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`
    if (!/^[\p{L}\p{N}_-]+$/u.test(step)) return `${text}[${keyText(step)}]`
    return text === '' ? step : `${text}.${step}`
  }, '')
}

/** `secret:abc` without its space is a key to YAML: what follows the colon was meant as a value and may be secret. */
function keyText(key: string): string {
  const colon = key.indexOf(':')
  return colon < 0 ? echo(key) : `"${key.slice(0, colon)}:…"`
}
