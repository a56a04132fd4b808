import { spelledOut } from '../domain/hidden-characters.ts'
/** A place in the configuration: keys and list positions, as in `['gateways', 0, 'address']`. */
export type Path = readonly (string | number)[]

/** One thing that is wrong with a configuration, or, as a warning, allowed but unwise. Holds no secret. */
export interface ConfigError {
  /** As people write it: `gateways[0].address`; empty for the file as a whole. */
  readonly path: string
  /** Line in the file, from 1. */
  readonly line?: number
  /** Reads on after the path: `has no unit`. */
  readonly problem: string
  /** What to write or do instead. */
  readonly suggestion?: string
}

/** Why one value cannot be used; the caller adds its place. */
export class ValueError {
  readonly problem: string
  readonly suggestion: string | undefined

  constructor(problem: string, suggestion?: string) {
    this.problem = problem
    this.suggestion = suggestion
  }
}

/** Collects what the checks find. A check that finds something goes on, so that all errors are shown at once. */
export interface Report {
  /** The file's own value at this place, unread. */
  at(path: Path): unknown
  /** Whether the file has this key, valid or not, or a misspelt one that was meant to be it. */
  given(path: Path): boolean
  fault(path: Path, problem: string, suggestion?: string): void
  warn(path: Path, problem: string, suggestion?: string): void
}

const MAX_ECHO_LENGTH = 60

/** The value for a message: in quotes, on one line and cut short. Never call it with a secret. */
export function echo(value: unknown): string {
  // JSON does not escape all control characters that terminals obey.
  const text = spelledOut(typeof value === 'string' ? JSON.stringify(value) : String(value))
  return text.length > MAX_ECHO_LENGTH ? `${text.slice(0, MAX_ECHO_LENGTH)}…` : text
}

export function pathText(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`
    if (!/^[\p{L}\p{N}_-]+$/u.test(step)) return `${text}[${keyText(step)}]`
    return text === '' ? step : `${text}.${step}`
  }, '')
}

/** `secret:abc` without its space is a key to YAML: the part after the colon was meant as a value and may be secret. */
function keyText(key: string): string {
  const colon = key.indexOf(':')
  return colon < 0 ? echo(key) : `"${key.slice(0, colon)}:…"`
}
