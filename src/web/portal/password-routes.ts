import type { Request, Response, Router } from 'express'
import { Secret } from '../../domain/secret.ts'
import { browserSessionOf } from '../../http/browser-session.ts'
import { addressOf } from '../../http/peer.ts'
import { field, goTo } from '../layout/forms.ts'
import { passkeyScripts, proofIn } from './passkey-routes.ts'
import type { FormProblem, Portal } from './portal.ts'
import { signOutOthers } from './sign-out-others.ts'

/**
 * Refused sign-ins that users are asked about, and the password that they change if those were not theirs. The change
 * asks for a code and not for the old password: somebody who has learned that one must not keep the owner out with it.
 */
export function passwordRoutes(router: Router, portal: Portal): void {
  const { signingIn, ownPassword, oddAttempts } = portal.services

  router.post('/attempts/answer', async (request, response) => {
    const browser = browserSessionOf(request)
    const { session } = browser
    if (session?.stage !== 'in' || session.subject === undefined) return goTo(response, '/')
    const isOwn = field(request, 'answer') === 'yes'
    const isNews = await oddAttempts.answer(
      session.subject,
      field(request, 'address'),
      isOwn,
      inPortal(request),
    )
    if (!isNews || isOwn) return goTo(response, '/')
    await browser.change({ ...session, notes: { ...session.notes, said: 'disowned' } })
    goTo(response, '/password')
  })

  router.get('/password', async (request, response) => {
    if (browserSessionOf(request).session?.stage !== 'in') return goTo(response, '/')
    await showForm(response)
  })

  router.post('/password', async (request, response) => {
    const { session } = browserSessionOf(request)
    const user = session?.stage === 'in' ? await ownPassword.ownerOf(session) : undefined
    if (user === undefined) return goTo(response, '/')
    const password = new Secret(field(request, 'password'))
    // Before the code, which is good for one try.
    const problem = await problemWith(request, password, user)
    if (problem !== undefined) return showForm(response, problem)
    const outcome = await signingIn.again(request, field(request, 'code'), field(request, 'passkey'))
    if (outcome.kind === 'refusal') return showForm(response, portal.problemOf(outcome, proofIn(request)))
    await change(request, user, password)
    goTo(response, '/')
  })

  async function problemWith(
    request: Request,
    password: Secret,
    user: string,
  ): Promise<FormProblem | undefined> {
    if (password.reveal() !== field(request, 'again')) return { problem: (t) => t('portal.password.differ') }
    const fault = await ownPassword.faultIn(password, user)
    if (fault === undefined) return undefined
    const shown = portal.storedText(request, fault)
    return { problem: (t) => t('portal.password.fault', { fault: shown }) }
  }

  /** Signs the user out of every other browser and trusted network, and goes on here under a new cookie. */
  async function change(request: Request, user: string, password: Secret): Promise<void> {
    const browser = browserSessionOf(request)
    const { session } = browser
    const record = session && (await ownPassword.change(user, password, inPortal(request)))
    if (session === undefined || record === undefined) return
    const endings = await signOutOthers(portal, request, session)
    await browser.begin({ ...session, record, endings, notes: { said: 'passwordChanged' } })
  }

  async function showForm(response: Response, problem?: FormProblem): Promise<void> {
    const { session } = browserSessionOf(response.req)
    const said = await portal.takeSaid(response.req)
    portal.show(response, {
      view: 'password',
      title: (t) => t('portal.password.title'),
      scripts: passkeyScripts(portal),
      data: {
        said,
        isOurs: session !== undefined && (await ownPassword.ownerOf(session)) !== undefined,
        canUsePasskey: await portal.canUsePasskey(response.req),
      },
      ...problem,
    })
  }
}

function inPortal(request: Request) {
  return { address: addressOf(request), reason: 'at the portal' }
}
