import type { Request, RequestHandler, Response, Router } from 'express'
import type { SignInOutcome } from '../../http/sign-in-visit.ts'
import { visitOf } from '../../http/visit.ts'
import type { Challenge } from '../../login/ask-for-code.ts'
import { field, goTo, parameter } from '../frame/forms.ts'
import { showAccount } from './account-routes.ts'
import { beginEnrolment } from './enrol-routes.ts'
import type { Portal, PortalPage } from './portal.ts'
import { signOutOthers } from './sign-out-others.ts'

/** Where a sign-in leads, for whoever did not come for their own account. */
type Destination = 'desk' | undefined

/** The way in: a name and a password, then the code of whoever has an authenticator. */
export function signInRoutes(router: Router, portal: Portal): void {
  const { signingIn } = portal.dependencies

  router.get('/', async (request, response) => {
    const { session } = visitOf(request)
    switch (session?.stage) {
      case 'code':
        return showCode(request, response, portal)
      case 'enrol':
        return goTo(response, '/enrol')
      case 'in':
        return showAccount(request, response, portal, session)
      default:
        return showSignIn(request, response, portal)
    }
  })

  router.post('/sign-in', async (request, response) => {
    const outcome = await signingIn.withPassword(request, field(request, 'name'), field(request, 'password'))
    if (outcome.kind === 'refusal')
      return showSignIn(request, response, portal, portal.problemOf(outcome, 'password'))
    await goOn(request, response, portal, outcome, destinationOf(field(request, 'to')))
  })

  router.post('/code', async (request, response) => {
    const { session } = visitOf(request)
    if (session?.stage !== 'code') return goTo(response, '/')
    const outcome = await signingIn.withCode(request, field(request, 'code'))
    // The sign-in is over: it begins anew with the password.
    if (outcome.kind === 'refusal') {
      const typed = outcome.reason === 'bad_credentials' ? 'password' : 'code'
      return showSignIn(request, response, portal, portal.problemOf(outcome, typed))
    }
    const destination = destinationOf(session.notes?.to)
    const { prompt } = outcome.kind === 'challenge' ? outcome : {}
    if (outcome.kind === 'challenge') await keepNotes(request, outcome, destination)
    if (prompt?.kind === 'wrong_code')
      return showCode(request, response, portal, ({ code }) => code.wrong(prompt.triesLeft))
    if (prompt?.kind === 'used_code')
      return showCode(request, response, portal, ({ code }) => code.used(prompt.triesLeft))
    await goOn(request, response, portal, outcome, destination)
  })

  router.post('/sign-out', signOut)

  router.post('/sign-out-everywhere', async (request, response, next) => {
    const { session } = visitOf(request)
    if (session?.stage === 'in') await signOutOthers(portal, session)
    await signOut(request, response, next)
  })
}

const signOut: RequestHandler = async (request, response) => {
  await visitOf(request).end()
  goTo(response, '/')
}

/** After a sign-in that has come as far as it goes. */
async function goOn(
  request: Request,
  response: Response,
  portal: Portal,
  outcome: Exclude<SignInOutcome, { kind: 'refusal' }>,
  destination: Destination,
): Promise<void> {
  if (outcome.kind === 'challenge') {
    await keepNotes(request, outcome, destination)
    return goTo(response, '/')
  }
  if (outcome.factors === 1) await beginEnrolment(request, portal)
  goTo(response, outcome.factors === 2 && destination === 'desk' ? '/desk' : '/')
}

/** An identity store's own question is shown for as long as it is open. */
async function keepNotes(request: Request, { prompt }: Challenge, to: Destination): Promise<void> {
  const visit = visitOf(request)
  const text = prompt.kind === 'store' ? prompt.text : undefined
  if (visit.session === undefined || (text === undefined && to === undefined)) return
  const notes = { ...(text !== undefined && { prompt: text }), ...(to !== undefined && { to }) }
  await visit.change({ ...visit.session, notes })
}

function destinationOf(text: string | undefined): Destination {
  return text === 'desk' ? text : undefined
}

function showSignIn(
  request: Request,
  response: Response,
  portal: Portal,
  problem: Pick<PortalPage, 'problem' | 'status'> = {},
): void {
  portal.show(request, response, {
    view: 'sign-in',
    title: ({ signIn }) => signIn.title,
    data: { name: field(request, 'name'), to: parameter(request, 'to') || field(request, 'to') },
    ...problem,
  })
}

function showCode(
  request: Request,
  response: Response,
  portal: Portal,
  problem?: PortalPage['problem'],
): void {
  portal.show(request, response, {
    view: 'code',
    title: ({ code }) => code.title,
    data: { prompt: visitOf(request).session?.notes?.prompt },
    problem,
  })
}
