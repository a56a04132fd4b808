import type { AttemptLimits, DirectoryFull, DirectoryPermit, Permit } from '../domain/attempt-limits.ts'
import type { DirectoryCause } from '../domain/directory-lockout.ts'

const PERMIT: Permit = {
  kind: 'permit',
  id: 'foreseen',
  releaseUser: async () => {},
  identify: async () => undefined,
  succeed: async () => {},
  refund: async () => {},
  fail: (record) => record([]),
}

const DIRECTORY_PERMIT: DirectoryPermit = {
  kind: 'permit',
  right: async () => {},
  wrong: async () => [],
  refund: async () => {},
}

/**
 * Limits that count nothing and know no count. Of rates there is nothing to say: they are over in a minute. What a
 * directory has counted itself is looked at.
 */
export const lookingLimits: AttemptLimits = {
  take: async () => PERMIT,
  async takeDirectory({ others, most, share, isKnown, withinMs }) {
    const failed = others?.counted ?? 0
    const full = (cause: DirectoryCause): DirectoryFull => {
      return { kind: 'full', cause, failed, isBusy: false, isOutdated: false, retryAfterMs: withinMs }
    }
    if (failed >= most) return full('directory_full')
    return failed >= share && !isKnown ? full('directory') : DIRECTORY_PERMIT
  },
  promptAnswered: async () => {},
  // Whatever is told once was told already.
  tally: { add: async () => 2, end: async () => 0 },
}
