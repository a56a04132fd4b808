import type { Request, Response, Router } from 'express'
import type { WebSession } from '../../domain/web-session.ts'
import { browserSessionOf } from '../../http/browser-session.ts'
import { addressOf } from '../../http/peer.ts'
import { Problem } from '../../http/problem.ts'
import { SIGN_IN, STEP_UP } from '../../login/steps/check-passkey.ts'
import { field, goTo, parameter } from '../layout/forms.ts'
import type { PageText } from '../layout/pages.ts'
import type { FormProblem, Portal } from './portal.ts'
import { hasUnsavedCodes } from './recovery-codes.ts'
import { signOutOthers } from './sign-out-others.ts'

/** Scripts of the pages on which a passkey can be shown. */
export function passkeyScripts({ services }: Portal): readonly string[] {
  return services.passkeyAssertions === undefined ? [] : ['passkeys.js']
}

/** How long after the step-up a passkey can be made, in milliseconds. */
const ADD_WITHIN_MS = 5 * 60_000

type Owned = WebSession & { readonly subject: string }

/** Passkeys of a user: added, renamed and removed; and what their scripts ask for. */
export function passkeyRoutes(router: Router, portal: Portal): void {
  const { signingIn, passkeys, enrollingPasskeys, passkeyAssertions, passkeysOutrankCodes, records, clock } =
    portal.services
  if (enrollingPasskeys === undefined || passkeyAssertions === undefined) return

  router.post('/passkeys/options', async (request, response) => {
    const browser = browserSessionOf(request)
    const owner = ownerIn(request)
    const use = { browser: browser.mark() }
    switch (field(request, 'for')) {
      case 'sign-in':
        return response.json(await passkeyAssertions.optionsFor({ ...use, purpose: SIGN_IN }))
      case 'step-up':
        if (owner?.stage !== 'in') throw new Problem('unauthenticated')
        return response.json(await passkeyAssertions.optionsFor({ ...use, purpose: STEP_UP }, owner.subject))
      case 'enrol':
        if (owner === undefined || !(await mayMake(owner))) throw new Problem('unauthenticated')
        return response.json(
          await enrollingPasskeys.registrationOptions({ ...use, subject: owner.subject }, owner.typed),
        )
      default:
        throw new Problem('not-found')
    }
  })

  router.get('/passkeys/add', async (request, response) => {
    if (ownerIn(request)?.stage !== 'in') return goTo(response, '/')
    await showProof(response, 'add')
  })

  router.post('/passkeys/add', async (request, response) => {
    const owner = ownerIn(request)
    if (owner?.stage !== 'in') return goTo(response, '/')
    const problem = await problemWithProof(request, owner)
    if (problem !== undefined) return showProof(response, 'add', problem)
    const browser = browserSessionOf(request)
    if (browser.session === undefined) return goTo(response, '/')
    await browser.change({ ...browser.session, notes: { passkeyUntil: String(clock.now() + ADD_WITHIN_MS) } })
    goTo(response, '/passkeys/new')
  })

  router.get('/passkeys/new', async (request, response) => {
    const owner = ownerIn(request)
    if (owner === undefined || !(await mayMake(owner))) return goTo(response, '/')
    showNew(response, owner)
  })

  router.post('/passkeys/new', async (request, response) => {
    const owner = ownerIn(request)
    if (owner === undefined || !(await mayMake(owner))) return goTo(response, '/')
    const browser = browserSessionOf(request)
    const { subject, stage, notes } = owner
    const context = { address: addressOf(request), reason: reasonOf(owner) }
    const made = await enrollingPasskeys.register(
      field(request, 'passkey'),
      { subject, browser: browser.mark() },
      field(request, 'name'),
      context,
    )
    if (made.kind !== 'enrolled')
      return showNew(response, owner, (t) =>
        t(`portal.passkeys.refused.${made.kind === 'refused' ? 'failed' : made.kind}`),
      )
    if (stage === 'in') {
      await browser.change({ ...owner, notes: { said: 'passkeyAdded' } })
      return goTo(response, '/')
    }
    // As after a first authenticator: who came only to enrol is signed out.
    const endings = await signOutOthers(portal, request, owner)
    const begun = { ...owner, stage: 'in', passkey: made.passkey.id, endings } as const
    if (notes?.ticket === undefined) await browser.begin({ ...begun, notes: { said: 'passkeyAdded' } })
    else await browser.end()
    goTo(response, '/')
  })

  router.post('/passkeys/rename', async (request, response) => {
    const owner = ownerIn(request)
    if (owner?.stage === 'in')
      await passkeys.rename(field(request, 'id'), owner.subject, field(request, 'name'), contextOf(request))
    goTo(response, '/')
  })

  router.get('/passkeys/remove', async (request, response) => {
    if (ownerIn(request)?.stage !== 'in') return goTo(response, '/')
    await showProof(response, 'remove')
  })

  router.post('/passkeys/remove', async (request, response) => {
    const before = ownerIn(request)
    if (before?.stage !== 'in') return goTo(response, '/')
    const problem = await problemWithProof(request, before)
    if (problem !== undefined) return showProof(response, 'remove', problem)
    const owner = ownerIn(request)
    const browser = browserSessionOf(request)
    if (owner === undefined) return goTo(response, '/')
    const removed = await passkeys.remove(field(request, 'id'), owner.subject, contextOf(request))
    if (removed) await browser.change({ ...owner, notes: { said: 'passkeyRemoved' } })
    goTo(response, '/')
  })

  /** Asks for the passkey, or for a code where that may change passkeys. */
  async function problemWithProof(request: Request, owner: Owned): Promise<FormProblem | undefined> {
    const proof = proofIn(request)
    if (proof === 'code' && !(await takesCode(owner)))
      return { problem: (t) => t('portal.passkeys.ownFirst') }
    const outcome = await signingIn.again(request, field(request, 'code'), field(request, 'passkey'))
    return outcome.kind === 'refusal' ? portal.problemOf(outcome, proof) : undefined
  }

  async function takesCode({ subject, groups }: Owned): Promise<boolean> {
    return !passkeysOutrankCodes(groups) || (await enrollingPasskeys?.hasUsable(subject)) !== true
  }

  /**
   * Within some minutes after a step-up; or as the first second factor of all, where a first authenticator could be
   * enrolled too. So an invitation adds no passkey to what a user has.
   */
  async function mayMake(owner: Owned): Promise<boolean> {
    const { stage, subject, notes } = owner
    if (stage === 'in') return Number(notes?.passkeyUntil ?? 0) > clock.now()
    if (stage !== 'enrol' || hasUnsavedCodes(owner)) return false
    if ((await records.enrolments.registeredOf(subject)).length > 0) return false
    return (await passkeys.of(subject)).length === 0
  }

  function showNew(response: Response, { stage }: Owned, problem?: PageText): void {
    portal.show(response, {
      view: 'passkey-new',
      title: (t) => t('portal.passkeys.new.title'),
      scripts: passkeyScripts(portal),
      data: { isFirst: stage === 'enrol' },
      problem,
    })
  }

  async function showProof(
    response: Response,
    action: 'add' | 'remove',
    problem?: FormProblem,
  ): Promise<void> {
    const request = response.req
    const owner = ownerIn(request)
    if (owner === undefined) return goTo(response, '/')
    const { subject } = owner
    const id = parameter(request, 'id') || field(request, 'id')
    const all = await passkeys.of(subject)
    const passkey = all.find((each) => each.id === id)
    if (action === 'remove' && passkey === undefined) return goTo(response, '/')
    const mayShowCode = await takesCode(owner)
    portal.show(response, {
      view: 'passkey-prove',
      title: (t) => t(`portal.passkeys.${action}.title`),
      scripts: passkeyScripts(portal),
      data: {
        action,
        id: passkey?.id,
        name: passkey?.name,
        canUsePasskey: all.length > 0,
        needsPasskey: !mayShowCode,
        takesCode: mayShowCode && (await records.enrolments.registeredOf(subject)).length > 0,
      },
      ...problem,
    })
  }
}

/** What a step-up form was sent with. */
export function proofIn(request: Request): 'code' | 'passkey' {
  return field(request, 'passkey') === '' ? 'code' : 'passkey'
}

function ownerIn(request: Request): Owned | undefined {
  const { session } = browserSessionOf(request)
  return session?.subject === undefined ? undefined : { ...session, subject: session.subject }
}

function contextOf(request: Request) {
  return { address: addressOf(request), reason: 'at the portal' }
}

/** How the user was let in to enrol, for the audit trail. */
function reasonOf({ stage, notes }: WebSession): string {
  if (stage === 'in' || notes?.ticket === undefined) return 'at the portal'
  return notes.ticket === 'invitation' ? 'by invitation' : 'within a VPN login'
}
