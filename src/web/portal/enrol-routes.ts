import type { Request, Response, Router } from 'express'
import type { WebSession } from '../../domain/web-session.ts'
import { browserSessionOf } from '../../http/browser-session.ts'
import { addressOf } from '../../http/peer.ts'
import { field, goTo, parameter } from '../layout/forms.ts'
import type { PageText } from '../layout/pages.ts'
import { clockAdvice } from './phone-clock.ts'
import type { FormProblem, Portal } from './portal.ts'
import { qrPicture } from './qr.ts'
import { hasUnsavedCodes, notesOfCodes } from './recovery-codes.ts'
import { signOutOthers } from './sign-out-others.ts'

const MAX_NAME = 253
/** Where people get an app, from those who make it; none of the pages loads anything from there. */
const APPS = [
  { name: 'aegis', href: 'https://getaegis.app/' },
  { name: 'freeotp', href: 'https://freeotp.github.io/' },
  { name: 'google', href: 'https://support.google.com/accounts/answer/1066447' },
  { name: 'microsoft', href: 'https://www.microsoft.com/security/mobile-authenticator-app' },
] as const

/** Enrols an authenticator: from the QR code to the recovery codes. */
export function enrolRoutes(router: Router, portal: Portal): void {
  const { signingIn, enrolling, enrollingPasskeys, passkeys, records, enrolsByPassword } = portal.services

  router.get('/enrol', async (request, response) => {
    const { session } = browserSessionOf(request)
    if (session === undefined || session.stage === 'code') return showTicketForm(response)
    if (hasUnsavedCodes(session)) return goTo(response, '/recovery-codes')
    if (session.stage === 'in' && session.notes?.enrolment === undefined) return goTo(response, '/')
    await showQrCode(response, session)
  })

  router.post('/enrol/code', async (request, response) => {
    const outcome = await signingIn.withTicket(request, field(request, 'name'), field(request, 'code'))
    if (outcome.kind === 'refusal') return showTicketForm(response, portal.problemOf(outcome, 'ticket'))
    await noteReplacedEnrolment(request)
    await beginEnrolment(request, portal)
    goTo(response, '/enrol')
  })

  router.post('/enrol/begin', async (request, response) => {
    const { session } = browserSessionOf(request)
    // To replace an authenticator its code is asked for again: the permission ended with the enrolment that expired.
    if (session === undefined || !(await mayBegin(session))) return goTo(response, '/')
    await beginEnrolment(request, portal)
    goTo(response, '/enrol')
  })

  router.post('/enrol/cancel', async (request, response) => {
    const browser = browserSessionOf(request)
    const pending = browser.session?.notes?.enrolment
    if (pending !== undefined) await enrolling.cancel(pending)
    if (browser.session?.stage === 'enrol') await browser.end()
    else if (browser.session !== undefined) await browser.change({ ...browser.session, notes: {} })
    goTo(response, '/')
  })

  router.post('/enrol/confirm', async (request, response) => {
    const { session } = browserSessionOf(request)
    if (session?.subject === undefined || session.notes?.enrolment === undefined) return goTo(response, '/')
    const { subject, notes } = session
    const context = { address: addressOf(request), reason: reasonOf(session) }
    const answer = await enrolling.confirm(notes.enrolment ?? '', field(request, 'code'), context, subject)
    if (answer.kind === 'wrong_code') {
      const { secondsAhead } = answer
      const isOutside = secondsAhead !== undefined
      return showQrCode(
        response,
        session,
        isOutside ? clockAdvice(secondsAhead) : (t) => t('portal.enrol.wrong'),
      )
    }
    if (answer.kind !== 'confirmed') return showExpired(response)
    if (answer.recoveryCodes.length === 0) {
      await browserSessionOf(request).change({ ...session, notes: { said: 'authenticatorAdded' } })
      return goTo(response, '/')
    }
    const codes = notesOfCodes(portal, subject, answer.recoveryCodes, true)
    await finish(request, { ...session, enrolment: answer.enrolment.id }, codes)
    goTo(response, '/recovery-codes')
  })

  router.get('/done', (_request, response) =>
    portal.show(response, { view: 'done', title: (t) => t('portal.done.title') }),
  )

  /**
   * A user whom the provider of the single sign-on let in by two factors may have no second factor here yet. Beside
   * passkeys, one of them is asked for first.
   */
  async function mayBegin(session: WebSession): Promise<boolean> {
    if (hasUnsavedCodes(session)) return false
    if (session.stage === 'enrol') return true
    const { stage, signedOn, subject } = session
    if (stage !== 'in' || signedOn?.hasSecondFactor !== true || subject === undefined) return false
    if (!enrolsByPassword || (await records.enrolments.registeredOf(subject)).length > 0) return false
    return (await passkeys.of(subject)).length === 0
  }

  /**
   * An administrator's invitation replaces the authenticators that were there when it was redeemed, and no later one: a
   * newer invitation may have been used meanwhile. Any other way to enrol replaces none.
   */
  async function noteReplacedEnrolment(request: Request): Promise<void> {
    const browser = browserSessionOf(request)
    const { session } = browser
    if (session?.subject === undefined || session.notes?.ticket !== 'invitation') return
    const present = await records.enrolments.registeredOf(session.subject)
    if (present.length === 0) return
    const inPlaceOf = present.map(({ id }) => id).join(' ')
    await browser.change({ ...session, notes: { ...session.notes, inPlaceOf } })
  }

  /** Signs in users who came with their password; those who came only to enrol may only save their recovery codes. */
  async function finish(request: Request, session: WebSession, codes: WebSession['notes']): Promise<void> {
    const browser = browserSessionOf(request)
    const endings = await signOutOthers(portal, request, session)
    const ticket = session.notes?.ticket
    const stage = ticket === undefined ? 'in' : 'enrol'
    await browser.begin({ ...session, stage, notes: { ...codes, ticket }, endings })
  }

  function showTicketForm(response: Response, problem?: FormProblem): void {
    const name = parameter(response.req, 'name').slice(0, MAX_NAME) || field(response.req, 'name')
    portal.show(response, {
      view: 'ticket',
      title: (t) => t('portal.ticket.title'),
      data: { name },
      ...problem,
    })
  }

  async function showQrCode(
    response: Response,
    { subject, typed, stage, notes }: WebSession,
    problem?: PageText,
  ): Promise<void> {
    const id = notes?.enrolment
    const pending =
      id === undefined || subject === undefined ? undefined : await enrolling.show(id, subject, typed)
    if (pending === undefined) return showExpired(response)
    const { uri, key, shape } = pending
    portal.show(response, {
      view: 'enrol',
      isSecret: true,
      title: (t) => t('portal.enrol.title'),
      width: 'narrow',
      data: {
        uri,
        key,
        groups: key.match(/.{1,4}/g) ?? [],
        shape,
        qr: qrPicture(uri),
        apps: APPS,
        mayUsePasskey: stage === 'enrol' && enrollingPasskeys !== undefined && notes?.inPlaceOf === undefined,
      },
      problem,
    })
  }

  function showExpired(response: Response): void {
    const { session } = browserSessionOf(response.req)
    portal.show(response, {
      view: 'expired',
      title: (t) => t('portal.expired.title'),
      data: { canBegin: session?.stage === 'enrol' },
    })
  }
}

/** Makes a key for the user of this session and notes its identifier; the key itself is not in the session. */
export async function beginEnrolment(request: Request, portal: Portal): Promise<void> {
  const browser = browserSessionOf(request)
  const { session } = browser
  if (session?.subject === undefined) return
  const { subject, typed, notes } = session
  const { enrolling } = portal.services
  const inPlaceOf = notes?.inPlaceOf?.split(' ') ?? null
  const { id } = await enrolling.begin(subject, typed, { inPlaceOf }, notes?.enrolment)
  await browser.change({ ...session, notes: { ...notes, enrolment: id } })
}

/** How the user was let in to enrol, for the audit trail. */
function reasonOf({ notes, stage, enrolment }: WebSession): string {
  if (notes?.ticket === 'invitation') return 'by invitation'
  if (notes?.ticket === 'login') return 'within a VPN login'
  if (stage !== 'in' || enrolment === undefined) return 'at the portal'
  return notes?.adds === undefined ? 'in place of another' : 'beside another'
}
