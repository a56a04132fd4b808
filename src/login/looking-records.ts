import type { Lockout } from '../domain/lockout.ts'
import type { LoginStore } from '../domain/login-records.ts'

/** The reads of a login. What has these alone can write nothing. */
export type LoginReads = Pick<
  LoginStore,
  'view' | 'viewDirectory' | 'findTrust' | 'graceOf' | 'isKnownAddress' | 'foresee'
>

export interface LookingRecordsOptions {
  readonly reads: LoginReads
  /** Called with the lockouts that concern the login, whether they bar it or not. */
  readonly onLocks: (locks: readonly Lockout[]) => void
  /** Whether the login goes on as if no lockout were in force. */
  readonly liftsLocks: boolean
}

/** Records that answer a login as the real ones do, and keep nothing. */
export function lookingRecords({ reads, onLocks, liftsLocks }: LookingRecordsOptions): LoginStore {
  const left = <View extends { readonly locks: readonly Lockout[] }>(view: View): View => {
    onLocks(view.locks)
    return liftsLocks ? { ...view, locks: [] } : view
  }
  return {
    view: async (query) => left(await reads.view(query)),
    viewDirectory: async (query) => left(await reads.viewDirectory(query)),
    findTrust: (query) => reads.findTrust(query),
    graceOf: (query) => reads.graceOf(query),
    isKnownAddress: (query) => reads.isKnownAddress(query),
    foresee: (admission) => reads.foresee(admission),
    async admit(admission) {
      const answer = await reads.foresee(admission)
      return answer.kind === 'locked' && liftsLocks ? { kind: 'admitted' } : answer
    },
    withdraw: async () => false,
    recordFailure: async () => [],
    async lockDirectory({ ...lock }) {
      const foreseen: Lockout = { ...lock, id: 'foreseen', scope: 'user', hint: 'new_place' }
      onLocks([foreseen])
      return foreseen
    },
    endDirectory: async () => {},
  }
}
