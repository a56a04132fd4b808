import type { Router } from 'express'
import { Activity } from './activity.ts'
import { needs } from './admission.ts'
import type { AdminConsole } from './console.ts'
import { dropsOf } from './drops.ts'
import { usersWithUnansweredPrompts } from './unanswered-prompts.ts'
import { unsignedGateways } from './unsigned-gateways.ts'

/** What goes on now: the first page of the desk. */
export function nowRoutes(router: Router, admin: AdminConsole): void {
  const { records, clock } = admin.services
  const lastDay = new Activity(records.audit)

  router.get('/', needs('lockouts:read'), async (_request, response) => {
    const [activity, unsigned, unanswered, dropped] = await Promise.all([
      lastDay.until(clock.now()),
      unsignedGateways(admin.services),
      usersWithUnansweredPrompts(records.audit, clock.now()),
      dropsOf(admin.services),
    ])
    admin.show(response, {
      view: 'now',
      title: (t) => t('admin.now.title'),
      area: 'now',
      data: { activity, unsigned, unanswered, dropped },
    })
  })
}
