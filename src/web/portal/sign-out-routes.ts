import type { Request, Response, Router } from 'express'
import { browserSessionOf } from '../../http/browser-session.ts'
import { goTo } from '../layout/forms.ts'
import type { Portal } from './portal.ts'
import { signOutOthers } from './sign-out-others.ts'

/** Signs users out: here, everywhere, and at the provider of the single sign-on that signed them in. */
export function signOutRoutes(router: Router, portal: Portal): void {
  router.post('/sign-out', signOut)

  router.post('/sign-out-everywhere', async (request, response) => {
    const { session } = browserSessionOf(request)
    if (session?.stage === 'in') await signOutOthers(portal, request, session)
    await signOut(request, response)
  })

  async function signOut(request: Request, response: Response): Promise<void> {
    const browser = browserSessionOf(request)
    const signedOn = browser.session?.signedOn
    await browser.end()
    const { singleSignOn } = portal.services
    const url = signedOn && (await singleSignOn?.signOutUrl(request, signedOn))
    if (singleSignOn === undefined || url === undefined) return goTo(response, '/')
    // No redirection: the policy of the pages lets no form lead to another host.
    portal.show(response, {
      view: 'leaving',
      title: (t) => t('portal.leaving.title'),
      refresh: url,
      data: { url, provider: singleSignOn.name },
    })
  }
}
