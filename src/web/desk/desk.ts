import type { Request, Response } from 'express'
import { callerOf } from '../../http/caller.ts'
import { addressOf } from '../../http/peer.ts'
import { PORTAL } from '../../login/sign-in.ts'
import type { Deed } from '../../manage/deed.ts'
import type { WebDependencies } from '../dependencies.ts'
import { field } from '../frame/forms.ts'
import type { Page, Pages } from '../frame/pages.ts'
import { durationText, hourText, trafficText } from '../frame/times.ts'
import { searchText } from './filters.ts'
import { DESK_WORDS, type DeskWords, type FormProblem } from './words.ts'

/** Where a page stands in the bar at the top. */
type Area = 'lockouts' | 'users' | 'sessions' | 'audit'

/** A page of the desk, in the visitor's words. */
export interface DeskPage {
  /** The template's name in this folder. */
  readonly view: string
  readonly title: (words: DeskWords) => string
  readonly area?: Area
  readonly width?: Page['width']
  readonly data?: Readonly<Record<string, unknown>>
  /** What was wrong with the form that was sent; the page has the status 422 then. */
  readonly problem?: FormProblem
}

/** The actor and the reason are there: what people do at the desk is always somebody's, and for something. */
export type DeskDeed = Deed & Required<Pick<Deed, 'actor' | 'reason'>>

const UNPROCESSABLE = 422
const LONGEST_REASON = 200
const PATHS: Readonly<Record<Area, string>> = {
  lockouts: '/desk',
  users: '/desk/users',
  sessions: '/desk/sessions',
  audit: '/desk/audit',
}

/** What all pages of the desk share. */
export class Desk {
  readonly dependencies: WebDependencies
  readonly #pages: Pages

  constructor(dependencies: WebDependencies, pages: Pages) {
    this.dependencies = dependencies
    this.#pages = pages
  }

  show(request: Request, response: Response, page: DeskPage): void {
    const words = this.#wordsFor(request)
    const areas = Object.entries(PATHS) as [Area, string][]
    this.#pages.show(request, response, {
      ...this.#pageOf(request, page),
      title: page.title(words),
      status: page.problem === undefined ? 200 : UNPROCESSABLE,
      nav: areas.map(([area, href]) => ({ href, label: words.nav[area], current: area === page.area })),
    })
  }

  /** A part of a page, for the script that keeps it up to date. */
  showPart(request: Request, response: Response, view: string, data: DeskPage['data']): void {
    const part = this.#pages.render(request, { ...this.#pageOf(request, { view, data }), title: '' })
    response.type('html').send(part)
  }

  /** Who does it and why, for the audit trail; undefined where no reason was given that could stand there. */
  deedIn(request: Request): DeskDeed | undefined {
    const reason = field(request, 'reason').trim()
    if (reason === '' || reason.length > LONGEST_REASON || /\p{Cc}/u.test(reason)) return undefined
    return { actor: callerOf(request).actor, address: addressOf(request), reason }
  }

  #wordsFor(request: Request): DeskWords {
    return DESK_WORDS[this.#pages.localeOf(request)]
  }

  #pageOf(
    request: Request,
    { view, width = 'wide', data = {}, problem }: Omit<DeskPage, 'title'>,
  ): Omit<Page, 'title'> {
    const words = this.#wordsFor(request)
    const locale = this.#pages.localeOf(request)
    const scopes = callerOf(request).scopes
    const { gateways, clock } = this.dependencies
    return {
      view: `desk/${view}`,
      words,
      width,
      home: '/desk',
      styles: ['desk/desk.css'],
      scripts: ['desk/desk.js'],
      data: {
        ...data,
        problem: problem === undefined ? undefined : words.problem(problem),
        may: { lock: scopes.has('lockouts:write'), enrol: scopes.has('enrolments:write') },
        gateways: [...gateways, PORTAL],
        portal: PORTAL,
        now: clock.now(),
        count: (count: number) => new Intl.NumberFormat(locale).format(count),
        duration: (ms: number) => durationText(ms, locale),
        hour: (at: number) => hourText(at, locale),
        traffic: (octets: number) => trafficText(octets, locale),
        linkTo: searchText,
      },
    }
  }
}
