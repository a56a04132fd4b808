import type { Router } from 'express'
import { isNearlyFull, poolLabel } from '../../domain/address-pool.ts'
import { overOf } from '../../domain/scope.ts'
import { callerOf } from '../../http/caller.ts'
import { findAttacks } from '../../manage/attacks.ts'
import { goTo } from '../layout/forms.ts'
import { chartOf, firstHour } from './activity.ts'
import { needs } from './admission.ts'
import type { AdminConsole } from './console.ts'
import { disownedAttempts } from './disowned-attempts.ts'
import { dropsOf } from './drops.ts'
import { KeptAnswers } from './kept-answers.ts'
import { MAX_COUNTED } from './locked-out.ts'
import { usersWithUnansweredPrompts } from './unanswered-prompts.ts'
import { unsignedGateways } from './unsigned-gateways.ts'

const DAY_MS = 24 * 3_600_000
const HOURS = 24
/** What waits for so long is not under way any more. */
const LATE_MAIL_MS = 5 * 60_000
const MANY_GATEWAYS = 1000
/** A pool that is fuller than all others, but not by this much, is not worth a word. */
const WORTH_TELLING = 0.01

/** What goes on now: the first page of the desk. */
export function nowRoutes(router: Router, admin: AdminConsole): void {
  const { records, clock } = admin.services
  const kept = new KeptAnswers(() => clock.monotonic())

  router.get('/', needs('lockouts:read', true), async (request, response) => {
    // What goes on concerns all users.
    if (overOf(callerOf(request).rights) !== undefined) return goTo(response, '/desk/lockouts')
    admin.show(response, {
      view: 'now',
      title: (t) => t('admin.now.title'),
      area: 'now',
      data: await present(),
    })
  })

  router.get('/now/live', needs('lockouts:read'), async (_request, response) => {
    admin.showPart(response, 'now-live', await present())
  })

  async function present() {
    const now = clock.now()
    const since = firstHour(now)
    const day = { since: now - DAY_MS, before: now + 1 }
    const [
      hints,
      hours,
      attacks,
      gateways,
      connected,
      pools,
      service,
      unsigned,
      unanswered,
      disowned,
      dropped,
      mails,
    ] = await Promise.all([
      records.lockouts.countByHint({}, now, MAX_COUNTED),
      kept.get(`hours ${since}`, () =>
        records.attempts.tally({ by: 'hour', since, before: now + 1, limit: HOURS }),
      ),
      kept.get('attacks', () => findAttacks(records.attempts, now)),
      kept.get('gateways', () => records.attempts.tally({ by: 'gateway', ...day, limit: MANY_GATEWAYS })),
      kept.get('connected', () => records.sessions.crowd(now - DAY_MS, now)),
      kept.get('pools', () => records.leases.usage()),
      kept.get('service', () => admin.services.readiness.look()),
      unsignedGateways(admin.services),
      usersWithUnansweredPrompts(records.audit, now),
      kept.get('disowned', () => disownedAttempts(records.audit, now)),
      dropsOf(admin.services),
      kept.get('mails', () => records.mails.queue(now)),
    ])
    return {
      hints,
      chart: chartOf(hours, now),
      attacks,
      heard: gateways.filter(({ key }) => admin.services.gateways.includes(key)),
      connected,
      fullest: fullestOf(pools),
      service,
      unsigned,
      unanswered,
      disowned,
      dropped,
      lateMails: mails.since !== undefined && now - mails.since > LATE_MAIL_MS ? mails.waiting : 0,
    }
  }
}

/** The pool with the least room. */
function fullestOf(pools: Awaited<ReturnType<AdminConsole['services']['records']['leases']['usage']>>) {
  const [fullest] = pools.toSorted((one, other) => other.held / other.size - one.held / one.size)
  if (fullest === undefined || fullest.held / fullest.size < WORTH_TELLING) return undefined
  return {
    label: poolLabel(fullest),
    percent: Math.round((100 * fullest.held) / fullest.size),
    isNearlyFull: isNearlyFull(fullest),
  }
}
