import { type ConfigError, type Path, pathText, type Report, ValueError } from '../schema/config-error.ts'
import { valueAt } from './partial-config.ts'
import type { YamlFile } from './yaml-file.ts'

/** Collects the errors and warnings of one file. A check that finds something goes on, so that all are shown at once. */
export class Diagnostics implements Report {
  readonly #file: YamlFile
  readonly #content: unknown
  readonly #faults: ConfigError[]
  readonly #warnings: ConfigError[] = []
  #misspelt: readonly string[] = []

  /** @param content the file's plain values. */
  constructor(file: YamlFile, content: unknown) {
    this.#file = file
    this.#content = content
    this.#faults = file.faults.map((fault) => ({ ...fault, path: pathText(fault.path) }))
  }

  /** Keys that the file has under a misspelt name. */
  expect(misspelt: readonly Path[]): void {
    this.#misspelt = misspelt.map(pathText)
  }

  /** The file's own value at this place, unread. */
  at(path: Path): unknown {
    return valueAt(this.#content, path)
  }

  /** Whether the file has this key, valid or not, or a misspelt one that was meant to be it. */
  given(path: Path): boolean {
    return this.at(path) !== undefined || this.#misspelt.includes(pathText(path))
  }

  fault(path: Path, problem: string, suggestion?: string): void {
    this.#faults.push({ path: pathText(path), line: this.#file.lineOf(path), problem, suggestion })
  }

  warn(path: Path, problem: string, suggestion?: string): void {
    this.#warnings.push({ path: pathText(path), line: this.#file.lineOf(path), problem, suggestion })
  }

  /** @returns the result, unless it is an error, which is reported. */
  valueOf<T>(path: Path, result: T | ValueError): T | undefined {
    if (!(result instanceof ValueError)) return result
    this.fault(path, result.problem, result.suggestion)
    return undefined
  }

  get haveFaults(): boolean {
    return this.#faults.length > 0
  }

  /** In the order of their lines. */
  all(): { readonly faults: readonly ConfigError[]; readonly warnings: readonly ConfigError[] } {
    return { faults: this.#faults.toSorted(byLine), warnings: this.#warnings.toSorted(byLine) }
  }
}

function byLine(one: ConfigError, other: ConfigError): number {
  return (one.line ?? 0) - (other.line ?? 0)
}
