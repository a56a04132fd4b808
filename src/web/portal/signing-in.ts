import type { Request, Response } from 'express'
import { browserSessionOf } from '../../http/browser-session.ts'
import type { SignInOutcome } from '../../http/sign-in-session.ts'
import type { Challenge } from '../../login/ask-for-code.ts'
import { field, goTo, parameter } from '../layout/forms.ts'
import { beginEnrolment } from './enrol-routes.ts'
import { passkeyScripts } from './passkey-routes.ts'
import type { FormProblem, Portal } from './portal.ts'

/** Where a sign-in leads; the account where it is undefined. */
type Destination = 'desk' | 'approve' | undefined

export function destinationOf(text: string | undefined): Destination {
  return text === 'desk' || text === 'approve' ? text : undefined
}

export function showSignIn(response: Response, portal: Portal, problem?: FormProblem): void {
  const to = parameter(response.req, 'to') || field(response.req, 'to')
  portal.show(response, {
    view: 'sign-in',
    title: (t) => t('portal.signIn.title'),
    scripts: passkeyScripts(portal),
    data: {
      name: field(response.req, 'name'),
      to,
      ending: portal.endingText(response.req),
      canUsePasskey: portal.services.passkeyAssertions !== undefined,
      singleSignOn: portal.services.singleSignOn?.name,
    },
    ...problem,
  })
}

/** After a sign-in that needs nothing more from the form, or the page, that it began with. */
export async function goOn(
  response: Response,
  portal: Portal,
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

/** Keeps an identity store's own question for as long as it is open. */
export async function keepNotes(request: Request, { prompt }: Challenge, to: Destination): Promise<void> {
  const browser = browserSessionOf(request)
  const text = prompt.kind === 'store' ? prompt.text : undefined
  if (browser.session === undefined || (text === undefined && to === undefined)) return
  await browser.change({ ...browser.session, notes: { prompt: text, to } })
}
