import type { ShownPasskey } from '../../domain/passkey.ts'
import { Problem } from '../problem.ts'
import type { HttpServices } from '../services.ts'
import { auditContextOf } from './audit-context.ts'
import { demandRightsOver } from './authenticate.ts'
import type { Handlers } from './call.ts'
import { timeText } from './wire.ts'

export function passkeyRoutes(services: HttpServices): Handlers {
  const { passkeys } = services
  return {
    async listPasskeys(call) {
      return { body: { items: (await passkeys.of(call.path('subject'))).map(passkeyWire) } }
    },

    async revokePasskey(call) {
      const subject = call.path('subject')
      await demandRightsOver(subject, call.caller, services)
      const { reason } = call.body<{ reason: string }>()
      if (!(await passkeys.remove(call.path('id'), subject, auditContextOf(call, reason))))
        throw new Problem('not-found')
      return { status: 204 }
    },
  }
}

function passkeyWire({ createdAt, usedAt, ...passkey }: ShownPasskey) {
  return { ...passkey, createdAt: timeText(createdAt), usedAt: usedAt && timeText(usedAt) }
}
