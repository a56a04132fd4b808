/**
 * Whether a transaction within a group can be undone by itself. For that SQLite keeps a copy of each page that it
 * changes, a tenth of what a login costs the writer, and it is rarely needed. So a group is first written without
 * savepoints, and again with them if one of its transactions has to be undone.
 */
export class Savepoints {
  #areSet = true
  #areMissed = false

  get areSet(): boolean {
    return this.#areSet
  }

  /** Whether a transaction had to be undone and could not be: everything written since `begin` is to be undone. */
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
