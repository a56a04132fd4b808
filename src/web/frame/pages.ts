import { join } from 'node:path'
import { Eta } from 'eta'
import type { Request, Response } from 'express'
import type { Clock } from '../../domain/clock.ts'
import type { Locale } from '../../domain/words.ts'
import type { Problem } from '../../http/problem.ts'
import { findVisit } from '../../http/visit.ts'
import type { Assets } from './assets.ts'
import { localeOf } from './locale.ts'
import { agoElement, timeElement } from './times.ts'
import { FRAME_WORDS } from './words.ts'

/** A link in the bar at the top. */
export interface NavLink {
  readonly href: string
  readonly label: string
  readonly current?: boolean
}

export interface Page {
  /** A template below src/web without its ending, as `portal/sign-in`. */
  readonly view: string
  /** What the page is about, for the browser's tab. */
  readonly title: string
  /** 200 where it is absent. */
  readonly status?: number
  /** What the template finds in `it.data`. */
  readonly data?: Readonly<Record<string, unknown>>
  /** What the template finds in `it.t`: the area's own words in the browser's language. */
  readonly words?: object
  /** Tables want the width of the window, sentences do not, and a few fields want little. */
  readonly width?: 'slim' | 'narrow' | 'wide'
  readonly nav?: readonly NavLink[]
  /** Where the name at the top leads; `/` where it is absent. */
  readonly home?: string
  /** Further scripts and style sheets by the name of their asset. */
  readonly scripts?: readonly string[]
  readonly styles?: readonly string[]
}

export interface PagesOptions {
  /** What users know the service by; stands at the top of each page. */
  readonly name: string
  readonly locales: readonly Locale[]
  readonly assets: Assets
  readonly clock: Clock
}

const VIEWS = join(import.meta.dirname, '..')

/**
 * Makes pages of templates. Whatever a template writes with `<%= %>` is escaped. Templates find:
 * `it.data`, `it.t` (words), `it.frame` (words of the frame), `it.locale`, `it.csrf` (for the hidden field `csrf` of
 * every form), `it.session` (of the visit, or undefined), `it.asset(file)`, and `it.time(ms)`
 * and `it.ago(ms)` (raw HTML).
 */
export class Pages {
  readonly #options: PagesOptions
  readonly #eta = new Eta({ views: VIEWS, autoEscape: true, cache: true, autoTrim: ['nl', 'nl'] })

  constructor(options: PagesOptions) {
    this.#options = options
  }

  localeOf(request: Request): Locale {
    return localeOf(request, this.#options.locales)
  }

  show(request: Request, response: Response, page: Page): void {
    response
      .status(page.status ?? 200)
      .set('Vary', 'Accept-Language')
      .type('html')
      .send(this.render(request, page))
  }

  /** The page as text, or the part of one whose template names no layout. */
  render(request: Request, { view, words, data = {}, ...page }: Page): string {
    const { name, assets, clock } = this.#options
    const locale = this.localeOf(request)
    const visit = findVisit(request)
    return this.#eta.render(`/${view}`, {
      ...{ width: 'narrow', nav: [], scripts: [], styles: [], home: '/', ...page },
      ...{ name, locale, data, t: words, frame: FRAME_WORDS[locale] },
      session: visit?.session,
      csrf: visit?.csrf() ?? '',
      asset: assets.at,
      time: (at: number) => timeElement(at, locale),
      ago: (at: number) => agoElement(at, clock.now(), locale),
    })
  }

  /** @returns false where the client is no browser and wants something else than a page. */
  readonly showProblem = (request: Request, response: Response, problem: Problem): boolean => {
    if (request.accepts(['application/problem+json', 'html']) !== 'html') return false
    const words = FRAME_WORDS[this.localeOf(request)].problem(problem.problem)
    const { status } = problem
    response.set(problem.headers)
    this.show(request, response, { view: 'frame/problem', title: words.title, status, data: words })
    return true
  }
}
