import { EXPIRING_MS, invitationState, type ListedPerson, PEOPLE_FILTERS } from '../../domain/people.ts'
import { hasSecondFactor } from '../../domain/roll-out.ts'
import type { HttpServices } from '../services.ts'
import type { Handlers } from './call.ts'
import { pageFrom, pageOf } from './page.ts'
import { timeText } from './wire.ts'

export function peopleRoutes({ recordsOf, takesPasskeys, clock }: HttpServices): Handlers {
  return {
    async listPeople(call) {
      const { after, limit } = pageOf(call)
      const now = clock.now()
      const filter = PEOPLE_FILTERS.find((each) => each === call.query('filter')) ?? 'all'
      const search = {
        filter,
        group: call.query('group'),
        takesPasskeys,
        now,
        expiresBefore: now + EXPIRING_MS,
      }
      const people = await recordsOf(call.caller).people.list({ ...search, after, limit })
      return pageFrom(
        people,
        { limit },
        (person) => wireOf(person, takesPasskeys, now),
        ({ name }) => name,
      )
    },
  }
}

function wireOf(person: ListedPerson, takesPasskeys: boolean, now: number) {
  const { name, local, seen, enrolledAt, passkeyAt, lastLoginAt, isLocked, invitation } = person
  return {
    ...{ name, isLocal: local !== undefined, stores: seen?.sources, groups: (local ?? seen)?.groups ?? [] },
    ...{ hasSecondFactor: hasSecondFactor(person, takesPasskeys), isLocked },
    ...{
      enrolledAt: timeText(enrolledAt),
      passkeyAt: timeText(passkeyAt),
      lastLoginAt: timeText(lastLoginAt),
    },
    invitation: invitation && {
      state: invitationState(invitation, now),
      expiresAt: timeText(invitation.expiresAt),
      usedAt: timeText(invitation.usedAt),
    },
  }
}
