import type { Request, Response } from 'express'
import type { Refusal } from '../../domain/refusal.ts'
import type { WebDependencies } from '../dependencies.ts'
import { linkToDesk } from '../desk/admission.ts'
import type { Pages } from '../frame/pages.ts'
import { PORTAL_WORDS, type PortalWords, type Typed } from './words.ts'

/** A page of the portal, in the visitor's words. */
export interface PortalPage {
  /** The template's name in this folder. */
  readonly view: string
  readonly title: (words: PortalWords) => string
  readonly width?: 'slim' | 'narrow'
  readonly data?: Readonly<Record<string, unknown>>
  /** Why the page is shown again instead of the next one. */
  readonly problem?: (words: PortalWords) => string
  /** Of a page with a problem; 422 where it is absent. */
  readonly status?: number
}

/** What all pages of the portal share. */
export class Portal {
  readonly dependencies: WebDependencies
  readonly #pages: Pages

  constructor(dependencies: WebDependencies, pages: Pages) {
    this.dependencies = dependencies
    this.#pages = pages
  }

  wordsFor(request: Request): PortalWords {
    return PORTAL_WORDS[this.#pages.localeOf(request)]
  }

  show(
    request: Request,
    response: Response,
    { view, title, width = 'slim', data = {}, problem, status }: PortalPage,
  ): void {
    const words = this.wordsFor(request)
    this.#pages.show(request, response, {
      view: `portal/${view}`,
      title: title(words),
      words,
      width,
      nav: linkToDesk(request, this.dependencies, this.#pages.localeOf(request)),
      status: problem === undefined ? 200 : (status ?? UNPROCESSABLE),
      data: { ...data, problem: problem?.(words) },
    })
  }

  /** Says no in words that tell nothing of who exists; a locked user is told so where the operator wants that. */
  problemOf(
    { reason, retryAfterMs }: Refusal,
    typed: Typed,
  ): Required<Pick<PortalPage, 'problem' | 'status'>> {
    const told = reason === 'locked' && !this.dependencies.tellLocked ? 'bad_credentials' : reason
    const minutes = retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs / 60_000)
    return {
      problem: (words) => words.refused(told, typed, minutes),
      status: reason === 'unavailable' ? UNAVAILABLE : UNPROCESSABLE,
    }
  }
}

const UNPROCESSABLE = 422
const UNAVAILABLE = 503
