import type { EnrolmentRegister } from '../../domain/enrolment-register.ts'
import { stemOf } from '../../domain/login-name.ts'
import type { WebSessionStore } from '../../domain/web-session.ts'
import type { Enrolling } from '../../manage/enrolling.ts'
import { Problem } from '../problem.ts'
import type { Handlers } from './call.ts'
import { deedOf } from './deed.ts'
import { pageFrom, pageOf } from './page.ts'
import { enrolmentWire, timeText } from './wire.ts'

export interface EnrolmentRoutesOptions {
  readonly register: EnrolmentRegister
  readonly enrolling: Enrolling
  readonly sessions: Pick<WebSessionStore, 'deleteAllOf'>
  /** Under what the authenticator of a name is kept; undefined where nobody knows the name. */
  readonly subjectOf: (typed: string) => Promise<string | undefined>
}

export function enrolmentRoutes(options: EnrolmentRoutesOptions): Handlers {
  const { register, enrolling, sessions, subjectOf } = options
  return {
    async listEnrolments(call) {
      const page = pageOf(call)
      return pageFrom(await register.list(page), page, ({ subject }) => subject, enrolmentWire)
    },

    async getEnrolment(call) {
      const enrolment = await register.find(call.path('subject'))
      if (enrolment === undefined) throw new Problem('not-found')
      return { body: enrolmentWire(enrolment) }
    },

    async revokeEnrolment(call) {
      const subject = call.path('subject')
      const { reason } = call.body<{ reason: string }>()
      if (!(await enrolling.revoke(subject, deedOf(call, reason)))) throw new Problem('not-found')
      await sessions.deleteAllOf(stemOf(subject))
      return { status: 204 }
    },

    async renewRecoveryCodes(call) {
      const { reason } = call.body<{ reason: string }>()
      const recoveryCodes = await enrolling.renewRecoveryCodes(call.path('subject'), deedOf(call, reason))
      if (recoveryCodes === undefined) throw new Problem('not-found')
      return { status: 201, body: { recoveryCodes } }
    },

    async beginEnrolment(call) {
      const subject = await subjectOf(call.body<{ user: string }>().user)
      if (subject === undefined)
        throw new Problem('not-found', { detail: 'No identity store knows the user.' })
      const { shape, until, ...begun } = await enrolling.begin(subject)
      return { status: 201, body: { ...begun, ...shape, subject, until: timeText(until) } }
    },

    async confirmEnrolment(call) {
      const { code, reason } = call.body<{ code: string; reason: string }>()
      const answer = await enrolling.confirm(call.path('id'), code, deedOf(call, reason))
      if (answer.kind !== 'confirmed')
        throw new Problem(answer.kind === 'expired' ? 'not-found' : 'wrong-code')
      const { enrolment, recoveryCodes } = answer
      await sessions.deleteAllOf(stemOf(enrolment.subject))
      const { sealedSeed: _seed, lastStep: _step, ...shown } = enrolment
      const registered = { ...shown, used: true, recoveryCodesLeft: recoveryCodes.length }
      return { status: 201, body: { enrolment: enrolmentWire(registered), recoveryCodes } }
    },
  }
}
