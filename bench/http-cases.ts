import type { Case, Examination } from './case.ts'
import { CodeSchedule } from './code-schedule.ts'
import { startHttpBroker } from './http-broker.ts'
import { LOCKOUT_LIST } from './lockout-list.ts'
import { PORTAL_WEIGHT } from './portal-weight.ts'
import { signIns } from './sign-ins.ts'

const PER_MINUTE = 500
/** Users who sign in to the portal do not log in to the VPN meanwhile. */
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
      const { url, server } = await startHttpBroker(around, { store: 'of the portal' })
      const atThePortal = around.size(AT_THE_PORTAL)
      const schedule = new CodeSchedule({ from: around.users - atThePortal, to: around.users }, true)
      const [target] = server.targets
      const targets: typeof server.targets = [{ ...target, users: around.users - atThePortal }]
      const start = async () => ({ ...server, targets, stop: async () => {} })
      return {
        variants: [
          { label: 'quiet' },
          { label: 'with sign-ins', beside: async () => signIns(url, schedule, PER_MINUTE) },
        ],
        subjects: [{ name: 'ocbroker', start }],
      }
    },
  },
]
