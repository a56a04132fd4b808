import type { Request, Response } from 'express'
import type { Locale } from '../../domain/locale.ts'
import { basePathOf, withBasePath } from '../../http/base-path.ts'
import { findBrowserSession } from '../../http/browser-session.ts'
import { sendCompressed } from '../../http/compressed.ts'
import type { Problem, ProblemName } from '../../http/problem.ts'
import type { HttpServices } from '../../http/services.ts'
import {
  MESSAGES,
  type MessageKey,
  type MessageValues,
  type Translate,
  translator,
} from '../../i18n/messages.ts'
import type { Assets } from './assets.ts'
import { countText } from './formatters.ts'
import { Html } from './html.ts'
import { LANGUAGE_NAMES, localeOf } from './locale.ts'
import { storedText } from './stored-text.ts'
import { escapingEta } from './templates.ts'
import { agoElement, clockElement, secondElement, timeElement } from './times.ts'

/** A link in the bar at the top. */
export interface NavLink {
  readonly href: string
  readonly label: MessageKey
  readonly current?: boolean
  /** How many of them wait, as it is shown. */
  readonly count?: string
}

/** A search box in the bar at the top. */
interface SearchBox {
  readonly action: string
  readonly label: MessageKey
  readonly typed: string
}

/** A text of a page, in the language of its reader. */
export type PageText = (t: Translate) => string

export interface Page {
  /** A template below src/web without its ending, as `portal/sign-in`. */
  readonly view: string
  /** What the page is about, for the browser's tab. */
  readonly title: PageText
  /** Why the form that was sent is shown again. */
  readonly problem?: PageText
  /** 200 where it is absent, or 422 with a problem. */
  readonly status?: number
  /** What the template finds in `it.data`. */
  readonly data?: Readonly<Record<string, unknown>>
  /** Whether it shows a code, a seed or a link that is a right: then it is sent as it is, not compressed. */
  readonly isSecret?: boolean
  /** Tables need the width of the window, text less, a few fields little. */
  readonly width?: 'slim' | 'narrow' | 'wide'
  /** Below this width of the window its tables are blocks, one a row; 40rem where it is absent. */
  readonly blocksUnder?: string
  readonly nav?: readonly NavLink[]
  readonly search?: SearchBox
  /** Where the name at the top leads; `/` where it is absent. */
  readonly home?: string
  /** Whom to ask who is stuck. */
  readonly help?: HttpServices['help']
  /** Further scripts and style sheets by the name of their asset. */
  readonly scripts?: readonly string[]
  readonly styles?: readonly string[]
  /** Where the browser goes by itself, at once. */
  readonly refresh?: string
}

type PagesServices = Pick<HttpServices, 'name' | 'locales' | 'clock' | 'help'>

const UNPROCESSABLE = 422

const PROBLEM_TEXTS = {
  'not-found': 'notFound',
  forgery: 'forgery',
  'too-many-requests': 'tooMany',
  'body-too-large': 'tooLarge',
  busy: 'unavailable',
  unavailable: 'unavailable',
  unauthenticated: 'signIn',
  'address-not-allowed': 'forbidden',
  'missing-scope': 'forbidden',
  internal: 'internal',
} as const satisfies Partial<Record<ProblemName, string>>

/**
 * Makes pages from templates. Whatever a template writes with `<%= %>` is escaped. Templates find: `it.data`,
 * `it.problem`, `it.locale`, `it.csrf` (for the hidden field `csrf` of every form), `it.session` (of the browser, or
 * undefined), `it.asset(file)`, and the texts:
 * `it.t(key, values)` a message, `it.rich(key, values)` one whose values may be HTML (write it with `<%~ %>`),
 * `it.has(key)` whether there is such a message, `it.stored(text)` a text from the records, `it.time(ms)`, `it.clock(ms)`, `it.second(ms)`
 * and `it.ago(ms)` (HTML), and `it.count(number)`.
 */
export class Pages {
  readonly #services: PagesServices
  readonly #assets: Assets
  readonly #eta = escapingEta()

  constructor(services: PagesServices, assets: Assets) {
    this.#services = services
    this.#assets = assets
  }

  localeOf(request: Request): Locale {
    return localeOf(request, this.#services.locales)
  }

  textFor(request: Request, text: PageText): string {
    return text(translator(this.localeOf(request)))
  }

  show(response: Response, page: Page): void {
    response
      .status(page.status ?? (page.problem === undefined ? 200 : UNPROCESSABLE))
      .vary('Accept-Language, Cookie')
    const html = this.render(response.req, page)
    if (page.isSecret) response.type('html').send(html)
    else sendCompressed(response, html)
  }

  /** The page as text, or the part of one whose template names no layout. */
  render(request: Request, { title, problem, isSecret: _, ...page }: Page): string {
    const { name, clock } = this.#services
    const locale = this.localeOf(request)
    const browser = findBrowserSession(request)
    const t = translator(locale)
    const html = this.#eta.render(`/${page.view}`, {
      width: 'narrow',
      blocksUnder: '40rem',
      nav: [],
      scripts: [],
      styles: [],
      home: '/',
      data: {},
      ...page,
      title: title(t),
      problem: problem?.(t),
      name,
      locale,
      languages: this.#languages(request, locale, page.status === undefined),
      t,
      rich: (key: MessageKey, values: Readonly<Record<string, unknown>>) => t(key, this.#escaped(values)),
      has: (key: string) => Object.hasOwn(MESSAGES.en, key),
      stored: (text: string) => storedText(text, locale),
      session: browser?.session,
      csrf: browser?.csrf() ?? '',
      asset: this.#assets.at,
      time: (at: number) => timeElement(at, locale),
      clock: (at: number) => clockElement(at, locale),
      second: (at: number) => secondElement(at, locale),
      ago: (at: number) => agoElement(at, clock.now(), locale),
      count: (count: number) => countText(count, locale),
    })
    return withBasePath(html, basePathOf(request))
  }

  /** @returns false where the client is no browser and wants something else than a page. */
  readonly showProblem = (request: Request, response: Response, problem: Problem): boolean => {
    if (request.accepts(['application/problem+json', 'html']) !== 'html') return false
    const name =
      problem.problem in PROBLEM_TEXTS
        ? PROBLEM_TEXTS[problem.problem as keyof typeof PROBLEM_TEXTS]
        : 'other'
    const text = `layout.problem.${name}` as const
    response.set(problem.headers)
    this.show(response, {
      view: 'layout/problem',
      title: (t) => t(`${text}.title`),
      status: problem.status,
      help: this.#services.help,
      data: { text },
    })
    return true
  }

  /** Links to this page in each language; none where there is one alone. @param isSound false: to the start. */
  #languages(
    request: Request,
    locale: Locale,
    isSound: boolean,
  ): readonly { tag: Locale; name: string; href: string }[] {
    const { locales } = this.#services
    if (locales.length < 2) return []
    const back = request.method === 'GET' && isSound ? backTo(request) : '/'
    return locales.map((tag) => ({
      tag,
      name: LANGUAGE_NAMES[tag],
      href: tag === locale ? '' : `/language/${tag}?${new URLSearchParams({ back })}`,
    }))
  }

  #escaped(values: Readonly<Record<string, unknown>>): MessageValues {
    const escapeText = this.#eta.config.escapeFunction
    const safe = Object.entries(values).map(([name, value]) => [
      name,
      value instanceof Html ? String(value) : typeof value === 'string' ? escapeText(value) : value,
    ])
    return Object.fromEntries(safe)
  }
}

/** This page. Before a sign-in somebody may have put a password into the address, which no page repeats. */
function backTo(request: Request): string {
  if (findBrowserSession(request)?.session?.stage === 'in') return request.originalUrl
  const { pathname, searchParams } = URL.parse(request.originalUrl, 'http://localhost') ?? {}
  const to = searchParams?.get('to') ?? null
  return to === null ? (pathname ?? '/') : `${pathname}?${new URLSearchParams({ to })}`
}
