interface Link<Value> {
  readonly key: string
  readonly value: Value
  older: Link<Value> | undefined
  newer: Link<Value> | undefined
}

/**
 * A map in the order in which its values were last set, with the oldest at hand. To find its first entry a `Map` steps
 * over the slots of all entries deleted before it: 25 µs with 50,000 entries that come and go.
 */
export class LinkedMap<Value> {
  readonly #links = new Map<string, Link<Value>>()
  #oldest: Link<Value> | undefined
  #newest: Link<Value> | undefined

  get size(): number {
    return this.#links.size
  }

  get oldest(): { readonly key: string; readonly value: Value } | undefined {
    return this.#oldest
  }

  get(key: string): Value | undefined {
    return this.#links.get(key)?.value
  }

  /** A key that was there becomes the newest. */
  set(key: string, value: Value): void {
    this.delete(key)
    const link: Link<Value> = { key, value, older: this.#newest, newer: undefined }
    if (this.#newest === undefined) this.#oldest = link
    else this.#newest.newer = link
    this.#newest = link
    this.#links.set(key, link)
  }

  /** @returns whether it was there. */
  delete(key: string): boolean {
    const link = this.#links.get(key)
    if (link === undefined) return false
    this.#links.delete(key)
    if (link.older === undefined) this.#oldest = link.newer
    else link.older.newer = link.newer
    if (link.newer === undefined) this.#newest = link.older
    else link.newer.older = link.older
    return true
  }

  /** Deletes the oldest values, up to the first for which the condition does not hold. */
  dropWhile(condition: (value: Value) => boolean): void {
    while (this.#oldest !== undefined && condition(this.#oldest.value)) this.delete(this.#oldest.key)
  }

  /** Oldest first. The entry yielded last may be deleted during iteration. */
  *[Symbol.iterator](): Generator<readonly [key: string, value: Value]> {
    for (let link = this.#oldest; link !== undefined; link = link.newer) yield [link.key, link.value]
  }
}
