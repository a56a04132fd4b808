/**
 * Whether a transaction within a group's can be undone by itself. For that SQLite keeps a copy of each page that it
 * changes, a tenth of what a login costs the writer, and hardly ever is one needed. So a group is written without, and
 * anew with savepoints where it turns out that one of its transactions has to be undone.
 */
export class Savepoints {
  #areSet = true
  #areMissed = false

  get areSet(): boolean {
    return this.#areSet
  }

  /** Whether a transaction was to be undone that could not be: what was written since `begin` is worth nothing. */
  get areMissed(): boolean {
    return this.#areMissed
  }

  begin(areSet: boolean): void {
    this.#areSet = areSet
    this.#areMissed = false
  }

  miss(): void {
    this.#areMissed = true
  }
}
