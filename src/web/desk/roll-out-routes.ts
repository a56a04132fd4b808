import type { Router } from 'express'
import { addDays } from '../../domain/site-days.ts'
import { needs } from './admission.ts'
import type { AdminConsole } from './console.ts'
import { groupIn, ROLL_OUT_PATH } from './people-list.ts'
import { rollOutChart, weeksUntil } from './roll-out-chart.ts'

/** How far the roll-out of the second factor is. */
export function rollOutRoutes(router: Router, admin: AdminConsole): void {
  const { clock, days, takesPasskeys } = admin.services

  router.get(ROLL_OUT_PATH.replace('/desk', ''), needs('users:read', true), async (request, response) => {
    const now = clock.now()
    const weeks = weeksUntil(days.dayOf(now))
    const moments = weeks.map((day) => days.startOf(addDays(day, 1)))
    const group = groupIn(request)
    const counts = await admin.recordsOf(request).people.rollOut({ group, takesPasskeys, now, moments })
    admin.show(response, {
      view: 'roll-out',
      title: (t) => t('admin.rollOut.title'),
      area: 'users',
      data: { group: group ?? '', chart: rollOutChart(counts, weeks, group), takesPasskeys },
    })
  })
}
