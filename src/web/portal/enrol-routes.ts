import type { Request, Response, Router } from 'express'
import { isRecoveryCode } from '../../domain/enrolment.ts'
import { parseLoginName } from '../../domain/login-name.ts'
import type { WebSession } from '../../domain/web-session.ts'
import { addressOf } from '../../http/peer.ts'
import { visitOf } from '../../http/visit.ts'
import type { BegunEnrolment } from '../../manage/enrolling.ts'
import { field, fields, goTo } from '../frame/forms.ts'
import type { Portal, PortalPage } from './portal.ts'
import { qrPicture } from './qr.ts'
import { showRecoveryCodes } from './recovery-codes.ts'
import { signOutOthers } from './sign-out-others.ts'

/** More than are ever made at a time. */
const MOST_CODES = 20

/** An authenticator from the picture to the recovery codes. */
export function enrolRoutes(router: Router, portal: Portal): void {
  const { signingIn, enrolling } = portal.dependencies

  router.get('/enrol', async (request, response) => {
    const { session } = visitOf(request)
    if (session === undefined || session.stage === 'code') return showLeave(request, response, portal)
    if (session.stage === 'in' && session.notes?.enrolment === undefined) return goTo(response, '/')
    await showPicture(request, response, portal, session)
  })

  router.post('/enrol/code', async (request, response) => {
    const outcome = await signingIn.withLeave(request, field(request, 'name'), field(request, 'code'))
    if (outcome.kind === 'refusal')
      return showLeave(request, response, portal, portal.problemOf(outcome, 'leave'))
    await noteWhatIsReplaced(request, portal)
    await beginEnrolment(request, portal)
    goTo(response, '/enrol')
  })

  router.post('/enrol/begin', async (request, response) => {
    const { session } = visitOf(request)
    // Whoever replaces an authenticator shows its code again: the leave for that ended with what was begun.
    if (session?.stage !== 'enrol') return goTo(response, '/')
    await beginEnrolment(request, portal)
    goTo(response, '/enrol')
  })

  router.post('/enrol/cancel', async (request, response) => {
    const visit = visitOf(request)
    const begun = visit.session?.notes?.enrolment
    if (begun !== undefined) await enrolling.cancel(begun)
    if (visit.session?.stage === 'enrol') await visit.end()
    else if (visit.session !== undefined) await visit.change({ ...visit.session, notes: {} })
    goTo(response, '/')
  })

  router.post('/enrol/confirm', async (request, response) => {
    const { session } = visitOf(request)
    if (session?.subject === undefined || session.notes?.enrolment === undefined) return goTo(response, '/')
    const { subject, notes } = session
    const deed = { address: addressOf(request), reason: reasonOf(session) }
    const answer = await enrolling.confirm(notes.enrolment ?? '', field(request, 'code'), deed, subject)
    if (answer.kind === 'wrong_code')
      return showPicture(request, response, portal, session, ({ enrol }) => enrol.wrong)
    if (answer.kind !== 'confirmed') return showExpired(request, response, portal)
    await finish(request, portal, { ...session, enrolment: answer.enrolment.id })
    showRecoveryCodes(request, response, portal, {
      codes: answer.recoveryCodes,
      name: session.typed,
      isNew: true,
      next: '/done',
    })
  })

  router.post('/recovery-codes/file', (request, response) => {
    // Nothing but what has the form of such codes is sent back.
    const codes = fields(request, 'code').filter(isRecoveryCode).slice(0, MOST_CODES)
    const name = parseLoginName(field(request, 'name'))?.sent ?? ''
    const { recovery } = portal.wordsFor(request)
    const heading = recovery.heading(portal.dependencies.name, name)
    response
      .attachment('recovery-codes.txt')
      .type('text/plain; charset=utf-8')
      .send(`${[heading, '', ...codes, '', recovery.lead, recovery.keep].join('\r\n')}\r\n`)
  })

  router.get('/done', (request, response) =>
    portal.show(request, response, { view: 'done', title: ({ done }) => done.title }),
  )
}

/** Makes a key for whoever has just come so far, and notes its identifier; the key itself is not in the session. */
export async function beginEnrolment(request: Request, portal: Portal): Promise<void> {
  const visit = visitOf(request)
  const { session } = visit
  if (session?.subject === undefined) return
  const { subject, typed, notes } = session
  const { enrolling } = portal.dependencies
  const { id } = await enrolling.begin(subject, typed, notes?.inPlaceOf ?? null, notes?.enrolment)
  await visit.change({ ...session, notes: { ...notes, enrolment: id } })
}

/**
 * An administrator's invitation replaces the authenticator that was there when it was redeemed, and no later one: a
 * newer invitation may have been used meanwhile. Whatever else lets enrol replaces none.
 */
async function noteWhatIsReplaced(request: Request, portal: Portal): Promise<void> {
  const visit = visitOf(request)
  const { session } = visit
  if (session?.subject === undefined || session.notes?.leave !== 'invitation') return
  const present = await portal.dependencies.records.enrolmentRegister.find(session.subject)
  if (present === undefined) return
  await visit.change({ ...session, notes: { ...session.notes, inPlaceOf: present.id } })
}

/** How the user came to be let in, for the audit trail. */
function reasonOf({ notes, stage }: WebSession): string {
  if (notes?.leave === 'invitation') return 'by invitation'
  if (notes?.leave === 'login') return 'within a VPN login'
  return stage === 'in' ? 'in place of another' : 'at the portal'
}

/** Whoever came by their password is signed in; whoever came to enrol and for nothing else is done. */
async function finish(request: Request, portal: Portal, session: WebSession): Promise<void> {
  const visit = visitOf(request)
  const createdAt = await signOutOthers(portal, session)
  if (session.notes?.leave !== undefined) {
    await visit.end()
    return
  }
  await visit.begin({ ...session, stage: 'in', notes: {}, createdAt, seenAt: createdAt })
}

function showLeave(
  request: Request,
  response: Response,
  portal: Portal,
  problem: Pick<PortalPage, 'problem' | 'status'> = {},
): void {
  const { name } = request.query
  portal.show(request, response, {
    view: 'leave',
    title: ({ leave }) => leave.title,
    data: { name: typeof name === 'string' ? name.slice(0, 253) : field(request, 'name') },
    ...problem,
  })
}

async function showPicture(
  request: Request,
  response: Response,
  portal: Portal,
  { subject, typed, notes }: WebSession,
  problem?: PortalPage['problem'],
): Promise<void> {
  const { enrolling } = portal.dependencies
  const id = notes?.enrolment
  const begun =
    id === undefined || subject === undefined ? undefined : await enrolling.begun(id, subject, typed)
  if (begun === undefined) return showExpired(request, response, portal)
  portal.show(request, response, {
    view: 'enrol',
    title: ({ enrol }) => enrol.title,
    width: 'narrow',
    data: pictureOf(begun),
    problem,
  })
}

function pictureOf({ uri, key, shape }: BegunEnrolment): Readonly<Record<string, unknown>> {
  return { uri, key, groups: key.match(/.{1,4}/g) ?? [], shape, qr: qrPicture(uri) }
}

function showExpired(request: Request, response: Response, portal: Portal): void {
  const { session } = visitOf(request)
  portal.show(request, response, {
    view: 'expired',
    title: ({ enrol }) => enrol.expiredTitle,
    data: { canBegin: session?.stage === 'enrol' },
  })
}
