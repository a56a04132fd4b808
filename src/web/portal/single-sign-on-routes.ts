import type { Router } from 'express'
import { browserSessionOf } from '../../http/browser-session.ts'
import { CALLBACK_PATH, type NotSignedOn, type SingleSignOn } from '../../http/single-sign-on.ts'
import type { MessageKey } from '../../i18n/messages.ts'
import { goTo, parameter } from '../layout/forms.ts'
import type { FormProblem, Portal } from './portal.ts'
import { destinationOf, goOn, showSignIn } from './signing-in.ts'

const UNAVAILABLE = 503

const TEXTS: Readonly<Record<NotSignedOn['why'], MessageKey>> = {
  too_old: 'portal.signOn.tooOld',
  other_browser: 'portal.signOn.otherBrowser',
  cancelled: 'portal.signOn.cancelled',
  refused: 'portal.signOn.refused',
  unreachable: 'portal.signOn.unreachable',
}

/** Signs users in through the provider of the single sign-on, and brings them back from it. */
export function singleSignOnRoutes(router: Router, portal: Portal, singleSignOn: SingleSignOn): void {
  const problemOf = (why: NotSignedOn['why']): FormProblem => ({
    problem: (t) => t(TEXTS[why], { provider: singleSignOn.name }),
    status: why === 'unreachable' ? UNAVAILABLE : undefined,
  })

  // A link, as the policy of the pages lets no form lead to another host.
  router.get('/sign-in/sso', async (request, response) => {
    if (browserSessionOf(request).session?.stage === 'in') return goTo(response, '/')
    const url = await singleSignOn.begin(request, destinationOf(parameter(request, 'to')))
    if (url === undefined) return showSignIn(response, portal, problemOf('unreachable'))
    response.redirect(303, url)
  })

  router.get(CALLBACK_PATH, async (request, response) => {
    const { outcome, to } = await singleSignOn.finish(request)
    if (outcome.kind === 'not_signed_on') return showSignIn(response, portal, problemOf(outcome.why))
    if (outcome.kind === 'refusal') return showSignIn(response, portal, portal.problemOf(outcome, 'signOn'))
    await goOn(response, portal, outcome, destinationOf(to))
  })
}
