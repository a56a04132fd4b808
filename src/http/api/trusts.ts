import { Problem } from '../problem.ts'
import type { HttpServices } from '../services.ts'
import { auditContextOf } from './audit-context.ts'
import type { Handlers } from './call.ts'
import { usernameIn } from './filters.ts'
import { pageFrom, pageOf } from './page.ts'
import { trustWire } from './wire.ts'

export function trustRoutes({ recordsOf, trusts, clock }: HttpServices): Handlers {
  return {
    async listTrusts(call) {
      const page = pageOf(call)
      const found = await recordsOf(call.caller).trusts.list({
        user: usernameIn(call),
        now: clock.now(),
        ...page,
      })
      return pageFrom(found, page, trustWire)
    },

    async revokeTrust(call) {
      const { reason } = call.body<{ reason: string }>()
      if ((await trusts.revoke(call.path('id'), auditContextOf(call, reason))) === undefined)
        throw new Problem('not-found')
      return { status: 204 }
    },
  }
}
