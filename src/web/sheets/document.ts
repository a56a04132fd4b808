import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Locale } from '../../domain/locale.ts'
import { type MessageKey, translator } from '../../i18n/messages.ts'
import type { Invited } from '../../manage/inviting-many.ts'
import { escapingEta } from '../layout/templates.ts'
import { timeElement } from '../layout/times.ts'
import type { SHEETS_PER_PAGE } from './per-page.ts'
import { shownSheet } from './shown-sheet.ts'

export interface SheetDocumentOptions {
  /** The name of the service. */
  readonly service: string
  /** Of the users. */
  readonly locale: Locale
  readonly perPage: (typeof SHEETS_PER_PAGE)[number]
}

const STYLE = ['style.css', 'sheets.css']

/** The sheets of the desk as a document that needs nothing else, in parts: a head, leaves of paper, a foot. */
export class SheetDocument {
  readonly #options: SheetDocumentOptions
  readonly #eta = escapingEta()

  constructor(options: SheetDocumentOptions) {
    this.#options = options
  }

  get head(): string {
    const style = STYLE.map((file) => readFileSync(join(import.meta.dirname, '../assets', file), 'utf8'))
    return this.#eta.render('/sheets/head', { ...this.#texts(), style: style.join('\n') })
  }

  /** @param invited at most as many as there are sheets on a page. */
  leafOf(invited: readonly Invited[]): string {
    return this.#eta.render('/sheets/leaf', { ...this.#texts(), leaf: invited.map(shownSheet) })
  }

  readonly foot = '</main>\n</body>\n</html>\n'

  #texts() {
    const { locale } = this.#options
    const t = translator(locale)
    return {
      ...this.#options,
      t,
      // The only values are times of the broker's own making.
      rich: (key: MessageKey, values: Readonly<Record<string, unknown>>) =>
        t(key, Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]))),
      time: (at: number) => timeElement(at, locale),
    }
  }
}
