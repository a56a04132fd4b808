import type { Request, Response, Router } from 'express'
import { enrolmentNameIn, freeEnrolmentName, MAX_ENROLMENT_NAME } from '../../domain/enrolment-name.ts'
import type { EnrolmentAim } from '../../domain/pending-enrolment.ts'
import type { WebSession } from '../../domain/web-session.ts'
import { browserSessionOf } from '../../http/browser-session.ts'
import { addressOf } from '../../http/peer.ts'
import { field, goTo, parameter } from '../layout/forms.ts'
import { passkeyScripts, proofIn } from './passkey-routes.ts'
import type { FormProblem, Portal } from './portal.ts'
import { notesOfCodes } from './recovery-codes.ts'
import { signOutOthers } from './sign-out-others.ts'

type SignedInSession = WebSession & { readonly subject: string }
type Action = (request: Request, response: Response, session: SignedInSession) => Promise<void>

/** What users can change about their authenticators. All but the name asks for the present code or a recovery code first. */
export function accountRoutes(router: Router, portal: Portal): void {
  const { signingIn, enrolling, records, trusts } = portal.services

  const actions: Readonly<Record<'add' | 'replace' | 'remove' | 'recovery-codes', Action>> = {
    async add(request, response, session) {
      const wanted = enrolmentNameIn(field(request, 'name'))
      const unnamed = portal.textFor(request, (t) => t('portal.authenticators.unnamed'))
      const name = 'name' in wanted ? wanted.name : unnamed
      await begin(request, session, { adds: true, beside: session.enrolment, name })
      goTo(response, '/enrol')
    },

    async replace(request, response, session) {
      await begin(request, session, { inPlaceOf: chosenIn(request, session) ?? null })
      goTo(response, '/enrol')
    },

    async remove(request, response, session) {
      const id = chosenIn(request, session)
      const present = await records.enrolments.registeredOf(session.subject)
      const [left, ...more] = present.filter((each) => each.id !== id)
      if (id === undefined || !present.some((each) => each.id === id)) return goTo(response, '/')
      await enrolling.revoke(session.subject, auditContext(request), id)
      const endings = await signOutOthers(portal, request, session)
      if (left === undefined) {
        await browserSessionOf(request).end()
        return portal.show(response, { view: 'removed', title: (t) => t('portal.removed.title') })
      }
      const own = [left, ...more].find((each) => each.id === session.enrolment) ?? left
      const notes = { said: 'authenticatorRemoved' }
      await browserSessionOf(request).begin({ ...session, enrolment: own.id, notes, endings })
      goTo(response, '/')
    },

    async 'recovery-codes'(request, response, session) {
      const codes = await enrolling.renewRecoveryCodes(session.subject, auditContext(request))
      if (codes === undefined) return goTo(response, '/')
      const notes = notesOfCodes(portal, session.subject, codes, false)
      await browserSessionOf(request).change({ ...session, notes })
      goTo(response, '/recovery-codes')
    },
  }

  async function begin(request: Request, session: SignedInSession, aim: EnrolmentAim): Promise<void> {
    const { id } = await enrolling.begin(session.subject, session.typed, aim)
    const notes = { enrolment: id, adds: aim.adds ? 'yes' : undefined }
    await browserSessionOf(request).change({ ...session, notes })
  }

  // Nothing is gained by these two, so no code is asked for.
  router.post('/authenticator/rename', async (request, response) => {
    const { session } = browserSessionOf(request)
    const wanted = enrolmentNameIn(field(request, 'name'))
    if (session?.stage === 'in' && session.subject !== undefined && 'name' in wanted)
      await enrolling.rename(session.subject, field(request, 'id'), wanted.name)
    goTo(response, '/')
  })

  router.post('/trusts/revoke', async (request, response) => {
    const { session } = browserSessionOf(request)
    if (session?.stage === 'in' && session.subject !== undefined)
      await trusts.revoke(field(request, 'id'), auditContext(request), session.subject)
    goTo(response, '/')
  })

  for (const action of Object.keys(actions) as (keyof typeof actions)[]) {
    const showForm = async (response: Response, problem?: FormProblem) => {
      const { subject = '' } = browserSessionOf(response.req).session ?? {}
      const id = parameter(response.req, 'id') || field(response.req, 'id')
      const present = await records.enrolments.registeredOf(subject)
      portal.show(response, {
        view: 'prove',
        title: (t) => t(`portal.${action}.title`),
        scripts: passkeyScripts(portal),
        data: {
          action,
          canUsePasskey: await portal.canUsePasskey(response.req),
          id,
          of: present.find((each) => each.id === id),
          isLast: present.length <= 1,
          taken: present.map(({ name }) => name),
          freeEnrolmentName,
          longestName: MAX_ENROLMENT_NAME,
        },
        ...problem,
      })
    }

    router.get(`/authenticator/${action}`, async (request, response) => {
      if (browserSessionOf(request).session?.stage !== 'in') return goTo(response, '/')
      await showForm(response)
    })

    router.post(`/authenticator/${action}`, async (request, response) => {
      if (browserSessionOf(request).session?.stage !== 'in') return goTo(response, '/')
      const outcome = await signingIn.again(request, field(request, 'code'), field(request, 'passkey'))
      if (outcome.kind === 'refusal') return showForm(response, portal.problemOf(outcome, proofIn(request)))
      const { session } = browserSessionOf(request)
      if (session?.subject === undefined) return goTo(response, '/')
      await actions[action](request, response, { ...session, subject: session.subject })
    })
  }
}

/** The authenticator that a form is about: the one that the user signed in with, unless it names another. */
function chosenIn(request: Request, { enrolment }: WebSession): string | undefined {
  return field(request, 'id') || enrolment
}

function auditContext(request: Request) {
  return { address: addressOf(request), reason: 'at the portal' }
}
