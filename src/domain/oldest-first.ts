interface Link<Value> {
  readonly key: string
  readonly value: Value
  older: Link<Value> | undefined
  newer: Link<Value> | undefined
}

/**
 * Values by key, in the order in which they were set last, of which the oldest is at hand. In a `Map` it is found by
 * stepping over the place of everything that was deleted before it, which took 25 µs where 50,000 came and went.
 */
export class OldestFirst<Value> {
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

  /** One that was there becomes the newest. */
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

  /** Deletes from the oldest on, up to the first that does not end. */
  dropWhile(ends: (value: Value) => boolean): void {
    while (this.#oldest !== undefined && ends(this.#oldest.value)) this.delete(this.#oldest.key)
  }

  /** The oldest first. The one that was given last may be deleted meanwhile. */
  *[Symbol.iterator](): Generator<readonly [key: string, value: Value]> {
    for (let link = this.#oldest; link !== undefined; link = link.newer) yield [link.key, link.value]
  }
}
