import type { Request, Response, Router } from 'express'
import type { WebSession } from '../../domain/web-session.ts'
import { browserSessionOf } from '../../http/browser-session.ts'
import { addressOf } from '../../http/peer.ts'
import { field, goTo } from '../layout/forms.ts'
import type { FormProblem, Portal } from './portal.ts'
import { notesOfCodes } from './recovery-codes.ts'
import { signOutOthers } from './sign-out-others.ts'

type SignedInSession = WebSession & { readonly subject: string }
type Action = (request: Request, response: Response, session: SignedInSession) => Promise<void>

/** What users can change about their authenticator. Each asks for the present code or a recovery code first. */
export function accountRoutes(router: Router, portal: Portal): void {
  const { signingIn, enrolling, records, trusts } = portal.services

  const actions: Readonly<Record<'replace' | 'remove' | 'recovery-codes', Action>> = {
    async replace(request, response, session) {
      const [present] = await records.enrolments.registeredOf(session.subject)
      const { id } = await enrolling.begin(session.subject, session.typed, present?.id ?? null)
      await browserSessionOf(request).change({ ...session, notes: { enrolment: id } })
      goTo(response, '/enrol')
    },

    async remove(request, response, session) {
      await enrolling.revoke(session.subject, auditContext(request))
      await signOutOthers(portal, request, session)
      await browserSessionOf(request).end()
      portal.show(response, { view: 'removed', title: (t) => t('portal.removed.title') })
    },

    async 'recovery-codes'(request, response, session) {
      const codes = await enrolling.renewRecoveryCodes(session.subject, auditContext(request))
      if (codes === undefined) return goTo(response, '/')
      const notes = notesOfCodes(portal, session.subject, codes, false)
      await browserSessionOf(request).change({ ...session, notes })
      goTo(response, '/recovery-codes')
    },
  }

  // Nothing is gained by it, so no code is asked for.
  router.post('/trusts/revoke', async (request, response) => {
    const { session } = browserSessionOf(request)
    if (session?.stage === 'in' && session.subject !== undefined)
      await trusts.revoke(field(request, 'id'), auditContext(request), session.subject)
    goTo(response, '/')
  })

  for (const action of Object.keys(actions) as (keyof typeof actions)[]) {
    const showForm = (response: Response, problem?: FormProblem) =>
      portal.show(response, {
        view: 'prove',
        title: (t) => t(`portal.${action}.title`),
        data: { action },
        ...problem,
      })

    router.get(`/authenticator/${action}`, (request, response) => {
      if (browserSessionOf(request).session?.stage !== 'in') return goTo(response, '/')
      showForm(response)
    })

    router.post(`/authenticator/${action}`, async (request, response) => {
      if (browserSessionOf(request).session?.stage !== 'in') return goTo(response, '/')
      const outcome = await signingIn.again(request, field(request, 'code'))
      if (outcome.kind === 'refusal') return showForm(response, portal.problemOf(outcome, 'code'))
      const { session } = browserSessionOf(request)
      if (session?.subject === undefined) return goTo(response, '/')
      await actions[action](request, response, { ...session, subject: session.subject })
    })
  }
}

function auditContext(request: Request) {
  return { address: addressOf(request), reason: 'at the portal' }
}
