import { placeOfEnrolment } from '../../domain/enrolment.ts'
import { enrolmentNameIn } from '../../domain/enrolment-name.ts'
import { usernameOf } from '../../domain/login-name.ts'
import type { Secret } from '../../domain/secret.ts'
import { BadSeed, isShortSeed, SHORT_SEED, seedIn } from '../../domain/seed-text.ts'
import { Problem } from '../problem.ts'
import type { HttpServices } from '../services.ts'
import { auditContextOf } from './audit-context.ts'
import { demandRightsOver, demandSight } from './authenticate.ts'
import type { Handlers } from './call.ts'
import { pageFrom, pageOf } from './page.ts'
import { enrolmentWire, timeText } from './wire.ts'

function nameIn(typed: string | undefined): string | undefined {
  if (typed === undefined) return undefined
  const found = enrolmentNameIn(typed)
  if ('name' in found) return found.name
  const errors = [{ path: '/body/name', message: 'is one line of 1 to 40 characters that can be seen' }]
  throw new Problem('invalid-request', { errors })
}

export function enrolmentRoutes(services: HttpServices): Handlers {
  const { records, enrolling, webSessions, subjectOf } = services
  return {
    async listEnrolments(call) {
      const page = pageOf(call)
      return pageFrom(await records.enrolments.list(page), page, enrolmentWire, placeOfEnrolment)
    },

    async listEnrolmentsOf(call) {
      await demandSight(call.path('subject'), call.caller, services)
      const enrolments = await records.enrolments.registeredOf(call.path('subject'))
      if (enrolments.length === 0) throw new Problem('not-found')
      return { body: { items: enrolments.map(enrolmentWire) } }
    },

    async revokeEnrolment(call) {
      const subject = call.path('subject')
      await demandRightsOver(subject, call.caller, services)
      const { reason, id } = call.body<{ reason: string; id?: string }>()
      if (!(await enrolling.revoke(subject, auditContextOf(call, reason), id))) throw new Problem('not-found')
      await webSessions.deleteAllOf(usernameOf(subject))
      return { status: 204 }
    },

    async renewRecoveryCodes(call) {
      await demandRightsOver(call.path('subject'), call.caller, services)
      const { reason } = call.body<{ reason: string }>()
      const recoveryCodes = await enrolling.renewRecoveryCodes(
        call.path('subject'),
        auditContextOf(call, reason),
      )
      if (recoveryCodes === undefined) throw new Problem('not-found')
      return { status: 201, body: { recoveryCodes } }
    },

    async beginEnrolment(call) {
      type Wanted = { user: string; name?: string; add?: boolean; key?: string }
      const { user, name, add: adds = false, key } = call.body<Wanted>()
      const given = key === undefined ? undefined : givenSeed(key)
      await demandSight(user, call.caller, services)
      const subject = await subjectOf(user)
      if (subject === undefined)
        throw new Problem('not-found', { detail: 'Unknown user: not found in any identity store.' })
      await demandRightsOver(subject, call.caller, services)
      const begun = await enrolling.begin(subject, undefined, { adds, name: nameIn(name) }, undefined, given)
      const { id, shape, until } = begun
      const body = { id, subject, ...shape, until: timeText(until) }
      if (given === undefined) return { status: 201, body: { ...body, uri: begun.uri, key: begun.key } }
      const warnings = isShortSeed(given) ? [SHORT_SEED] : []
      return { status: 201, body: { ...body, warnings } }
    },

    async confirmEnrolment(call) {
      const { code, reason } = call.body<{ code: string; reason: string }>()
      const begun = await enrolling.subjectOf(call.path('id'))
      if (begun !== undefined) await demandRightsOver(begun, call.caller, services)
      const answer = await enrolling.confirm(call.path('id'), code, auditContextOf(call, reason))
      if (answer.kind !== 'confirmed')
        throw new Problem(answer.kind === 'expired' ? 'not-found' : 'wrong-code')
      const { enrolment, recoveryCodes } = answer
      await webSessions.deleteAllOf(usernameOf(enrolment.subject))
      const { sealedSeed: _seed, lastStep: _step, ...shown } = enrolment
      const recoveryCodesLeft =
        (await records.enrolments.registeredOf(enrolment.subject))[0]?.recoveryCodesLeft ?? 0
      const registered = { ...shown, used: true, recoveryCodesLeft }
      return { status: 201, body: { enrolment: enrolmentWire(registered), recoveryCodes } }
    },
  }
}

/** @throws Problem that does not repeat the key. */
function givenSeed(text: string): Secret {
  try {
    return seedIn(text)
  } catch (error) {
    if (!(error instanceof BadSeed)) throw error
    throw new Problem('invalid-request', { errors: [{ path: '/body/key', message: error.message }] })
  }
}
