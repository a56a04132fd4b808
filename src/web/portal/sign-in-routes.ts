import type { Request, RequestHandler, Response, Router } from 'express'
import { browserSessionOf } from '../../http/browser-session.ts'
import type { SignInOutcome } from '../../http/sign-in-session.ts'
import type { Challenge } from '../../login/ask-for-code.ts'
import { field, goTo, parameter } from '../layout/forms.ts'
import type { PageText } from '../layout/pages.ts'
import { showAccount } from './account-page.ts'
import { beginEnrolment } from './enrol-routes.ts'
import type { FormProblem, Portal } from './portal.ts'
import { hasUnsavedCodes } from './recovery-codes.ts'
import { signOutOthers } from './sign-out-others.ts'

/** Where a sign-in leads; the account where it is undefined. */
type Destination = 'desk' | 'approve' | undefined

/** Signs users in: a name and a password, then the code of those who have an authenticator. */
export function signInRoutes(router: Router, portal: Portal): void {
  const { signingIn } = portal.services

  router.get('/', async (request, response) => {
    const { session } = browserSessionOf(request)
    switch (session?.stage) {
      case 'code':
        return showCode(response)
      case 'enrol':
        return goTo(response, '/enrol')
      case 'in':
        if (hasUnsavedCodes(session)) return goTo(response, '/recovery-codes')
        return showAccount(response, portal, session)
      default:
        return showSignIn(response)
    }
  })

  router.post('/sign-in', async (request, response) => {
    const outcome = await signingIn.withPassword(request, field(request, 'name'), field(request, 'password'))
    if (outcome.kind === 'refusal') return showSignIn(response, portal.problemOf(outcome, 'password'))
    await goOn(response, outcome, destinationOf(field(request, 'to')))
  })

  router.post('/code', async (request, response) => {
    const { session } = browserSessionOf(request)
    if (session?.stage !== 'code') return showSignIn(response)
    const outcome = await signingIn.withCode(request, field(request, 'code'))
    // The sign-in is over: it starts again with the password.
    if (outcome.kind === 'refusal') {
      const form = outcome.reason === 'bad_credentials' ? 'password' : 'code'
      return showSignIn(response, portal.problemOf(outcome, form))
    }
    const destination = destinationOf(session.notes?.to)
    const { prompt } = outcome.kind === 'challenge' ? outcome : {}
    if (prompt?.kind !== 'wrong_code' && prompt?.kind !== 'used_code')
      return goOn(response, outcome, destination)
    if (outcome.kind === 'challenge') await keepNotes(request, outcome, destination)
    const { kind, triesLeft } = prompt
    const key = kind === 'wrong_code' ? 'portal.code.wrong' : 'portal.code.used'
    showCode(response, (t) => t(key, { triesLeft }))
  })

  router.post('/sign-out', signOut)

  router.post('/sign-out-everywhere', async (request, response, next) => {
    const { session } = browserSessionOf(request)
    if (session?.stage === 'in') await signOutOthers(portal, request, session)
    await signOut(request, response, next)
  })

  /** After a sign-in that needs nothing more from this form. */
  async function goOn(
    response: Response,
    outcome: Exclude<SignInOutcome, { kind: 'refusal' }>,
    destination: Destination,
  ): Promise<void> {
    if (outcome.kind === 'challenge') {
      await keepNotes(response.req, outcome, destination)
      return goTo(response, '/')
    }
    if (outcome.factors === 1) await beginEnrolment(response.req, portal)
    goTo(response, outcome.factors === 2 && destination !== undefined ? `/${destination}` : '/')
  }

  function showSignIn(response: Response, problem?: FormProblem): void {
    const to = parameter(response.req, 'to') || field(response.req, 'to')
    portal.show(response, {
      view: 'sign-in',
      title: (t) => t('portal.signIn.title'),
      data: { name: field(response.req, 'name'), to, ending: portal.endingText(response.req) },
      ...problem,
    })
  }

  function showCode(response: Response, problem?: PageText): void {
    const { session } = browserSessionOf(response.req)
    portal.show(response, {
      view: 'code',
      title: (t) => t('portal.code.title'),
      data: { prompt: session?.notes?.prompt, name: session?.typed },
      problem,
    })
  }
}

const signOut: RequestHandler = async (request, response) => {
  await browserSessionOf(request).end()
  goTo(response, '/')
}

/** Keeps an identity store's own question for as long as it is open. */
async function keepNotes(request: Request, { prompt }: Challenge, to: Destination): Promise<void> {
  const browser = browserSessionOf(request)
  const text = prompt.kind === 'store' ? prompt.text : undefined
  if (browser.session === undefined || (text === undefined && to === undefined)) return
  await browser.change({ ...browser.session, notes: { prompt: text, to } })
}

function destinationOf(text: string | undefined): Destination {
  return text === 'desk' || text === 'approve' ? text : undefined
}
