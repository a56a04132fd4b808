import { type Fault, type Path, pathText, type Report } from './fault.ts'
import { valueAt } from './schema-walk.ts'
import type { TextFault, YamlFile } from './yaml-file.ts'

/** All that is found in one file, with its lines. */
export class Findings implements Report {
  readonly #file: YamlFile
  readonly #value: unknown
  readonly #faults: Fault[]
  readonly #warnings: Fault[] = []
  #misspelt: readonly string[] = []

  /** @param value the file's content; checks ask it what the file says. */
  constructor(file: YamlFile, value: unknown) {
    this.#file = file
    this.#value = value
    this.#faults = file.faults.map(asFault)
  }

  /** Keys that are meant to be there and are there under another name. */
  expect(misspelt: readonly Path[]): void {
    this.#misspelt = misspelt.map(pathText)
  }

  at(path: Path): unknown {
    return valueAt(this.#value, path)
  }

  given(path: Path): boolean {
    return this.at(path) !== undefined || this.#misspelt.includes(pathText(path))
  }

  fault(path: Path, problem: string, suggestion?: string): void {
    this.#faults.push(this.#located(path, problem, suggestion))
  }

  warn(path: Path, problem: string, suggestion?: string): void {
    this.#warnings.push(this.#located(path, problem, suggestion))
  }

  get haveFaults(): boolean {
    return this.#faults.length > 0
  }

  /** In the order of their lines. */
  all(): { readonly faults: readonly Fault[]; readonly warnings: readonly Fault[] } {
    return { faults: this.#faults.toSorted(byLine), warnings: this.#warnings.toSorted(byLine) }
  }

  #located(path: Path, problem: string, suggestion: string | undefined): Fault {
    const line = this.#file.lineOf(path)
    return asFault({
      path,
      problem,
      ...(line !== undefined && { line }),
      ...(suggestion !== undefined && { suggestion }),
    })
  }
}

function asFault(found: Omit<TextFault, 'line'> & { readonly line?: number }): Fault {
  return { ...found, path: pathText(found.path) }
}

function byLine(one: Fault, other: Fault): number {
  return (one.line ?? 0) - (other.line ?? 0)
}
