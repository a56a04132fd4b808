import type { Request, Response } from 'express'
import type { Refusal, RefusalReason } from '../../domain/refusal.ts'
import { basePathOf } from '../../http/base-path.ts'
import { browserSessionOf } from '../../http/browser-session.ts'
import type { HttpServices } from '../../http/services.ts'
import { type MessageKey, translator } from '../../i18n/messages.ts'
import { linkToConsole } from '../desk/admission.ts'
import type { Page, Pages, PageText } from '../layout/pages.ts'
import { storedText } from '../layout/stored-text.ts'
import { durationText, trafficText } from '../layout/times.ts'

/** What a refused form asked for: its page, and so the text that says what was wrong. */
export type FormKind = 'password' | 'code' | 'ticket' | 'signOn' | 'passkey'

export type FormProblem = Pick<Page, 'problem' | 'status'>

/** Reasons that have a text of their own; any other is told by what the form asked for. */
const REFUSED: Readonly<Partial<Record<RefusalReason, MessageKey>>> = {
  locked: 'portal.refused.locked',
  rate_limited: 'portal.refused.rateLimited',
  unavailable: 'portal.refused.unavailable',
  challenge_expired: 'portal.refused.tookTooLong',
  challenge_mismatch: 'portal.refused.tookTooLong',
  no_second_factor: 'portal.refused.noAuthenticator',
  code_used: 'portal.refused.codeUsed',
  passkey_refused: 'portal.refused.passkey',
  passkey_needed: 'portal.refused.passkeyNeeded',
}
const UNAVAILABLE = 503

/** What all pages of the portal share. */
export class Portal {
  readonly services: HttpServices
  readonly #pages: Pages

  constructor(services: HttpServices, pages: Pages) {
    this.services = services
    this.#pages = pages
  }

  show(response: Response, page: Page): void {
    const nav = linkToConsole(response.req, this.services)
    this.#pages.show(response, {
      width: 'slim',
      nav,
      help: this.services.help,
      ...page,
      view: `portal/${page.view}`,
    })
  }

  textFor(request: Request, text: PageText): string {
    return this.#pages.textFor(request, text)
  }

  /** The address of the pages, as users type it. */
  addressFor(request: Request): string {
    const { publicUrl } = this.services
    return publicUrl ?? `${request.protocol}://${request.get('host') ?? ''}${basePathOf(request)}`
  }

  /** A text of the broker in the language of the reader. */
  storedText(request: Request, text: string): string {
    return storedText(text, this.#pages.localeOf(request))
  }

  trafficText(request: Request, octets: number): string {
    return trafficText(octets, this.#pages.localeOf(request))
  }

  /** Whether a page can ask this user for a passkey in place of a code. @throws Unavailable */
  async canUsePasskey(request: Request): Promise<boolean> {
    const { subject } = browserSessionOf(request).session ?? {}
    const { passkeys, passkeyAssertions } = this.services
    return passkeyAssertions !== undefined && subject !== undefined && (await passkeys.of(subject)).length > 0
  }

  /** What the last form has done, for the page that follows it; told once. */
  async takeSaid(request: Request): Promise<string | undefined> {
    const browser = browserSessionOf(request)
    const { session } = browser
    const said = session?.notes?.said
    if (session !== undefined && said !== undefined)
      await browser.change({ ...session, notes: { ...session.notes, said: undefined } })
    return said
  }

  /** Why the browser is no longer signed in; told once. */
  endingText(request: Request): string | undefined {
    const ending = browserSessionOf(request).takeEnding()
    if (ending === undefined) return undefined
    const locale = this.#pages.localeOf(request)
    const after = 'afterMs' in ending ? durationText(ending.afterMs, locale, 'long') : ''
    return translator(locale)(`portal.ended.${ending.kind}`, { after })
  }

  /** The refusal's text, which tells nothing of who exists; a locked user is told so where `tellLocked` is set. */
  problemOf({ reason, retryAfterMs, isUntold, invitation }: Refusal, form: FormKind): FormProblem {
    const isTold = reason !== 'locked' || (this.services.tellLocked && !isUntold)
    const needsInvitation = reason === 'no_second_factor' && !this.services.enrolsByPassword
    const barred = reason === 'barred' && form === 'signOn' ? 'portal.signOn.barred' : undefined
    const ended = barred ?? (invitation && (`portal.refused.invitation.${invitation}` as const))
    const own = needsInvitation ? 'portal.refused.notInvited' : (ended ?? REFUSED[reason])
    const key = (isTold ? own : undefined) ?? (`portal.refused.${form}` as const)
    const isForAWhile = key === 'portal.refused.locked' && retryAfterMs !== undefined
    return {
      problem: (t) =>
        isForAWhile ? t('portal.refused.lockedFor', { minutes: Math.ceil(retryAfterMs / 60_000) }) : t(key),
      status: reason === 'unavailable' ? UNAVAILABLE : undefined,
    }
  }
}
