import type { Case, Examination } from './case.ts'
import { startHttpBroker } from './http-broker.ts'
import { LOCKOUT_LIST } from './lockout-list.ts'
import { PORTAL_WEIGHT } from './portal-weight.ts'
import { Rota } from './rota.ts'
import { signIns } from './sign-ins.ts'

const PER_MINUTE = 500
/** Who signs in to the portal does not log in to the VPN meanwhile. */
const AT_THE_PORTAL = 10_000

/** Pages and API, by themselves and beside logins. */
export const HTTP_CASES: readonly (Case | Examination)[] = [
  LOCKOUT_LIST,
  PORTAL_WEIGHT,
  {
    name: 'http-sign-ins',
    about: `logins (password and code in one) beside ${PER_MINUTE} sign-ins a minute at the portal`,
    operation: 'append',
    inFlight: 2,
    seconds: 12,
    parts: ['login'],
    prepare: async (around) => {
      const { url, server } = await startHttpBroker(around, 'of the portal')
      const rota = new Rota({ from: around.users - AT_THE_PORTAL, to: around.users }, true)
      const [target] = server.targets
      const targets: typeof server.targets = [{ ...target, users: around.users - AT_THE_PORTAL }]
      const start = async () => ({ ...server, targets, stop: async () => {} })
      return {
        variants: [
          { label: 'quiet' },
          { label: 'with sign-ins', beside: async () => signIns(url, rota, PER_MINUTE) },
        ],
        contestants: [{ name: 'ocbroker', start }],
      }
    },
  },
]
