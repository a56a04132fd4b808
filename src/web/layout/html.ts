/** A piece of HTML, as opposed to text that is still to be escaped. */
export class Html {
  readonly #html: string

  constructor(html: string) {
    this.#html = html
  }

  toString(): string {
    return this.#html
  }
}
