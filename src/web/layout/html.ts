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

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }

/** What stands in a text area, as it was typed: it is sent again, so that nothing of it is written out. */
export function areaText(text: string): Html {
  // A browser leaves the first line break out.
  return new Html(`\n${text.replaceAll(/[&<>]/g, (character) => ESCAPES[character] ?? '')}`)
}
