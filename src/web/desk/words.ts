import type { AuditKind } from '../../domain/audit.ts'
import type { Lockout, LockoutScope } from '../../domain/lockout.ts'
import type { LockoutState } from '../../domain/lockout-desk.ts'
import type { RefusalReason } from '../../domain/refusal.ts'
import type { SessionState } from '../../domain/session-search.ts'
import type { Locale } from '../../domain/words.ts'
import type { Explanation } from '../../manage/explain.ts'
import { simplifiedChinese } from './words-chinese.ts'
import { english } from './words-english.ts'

/** What the evidence of a lockout comes to: a hint for whoever decides, never a decision. */
export type Hint = 'known_place' | 'new_place' | 'guessing' | 'by_hand'

/** What can be wrong with a form of the desk. */
export type FormProblem =
  | 'reason'
  | 'user'
  | 'address'
  | 'until'
  | 'unknown_user'
  | 'gateway'
  | 'not_in_force'

/** Everything that the desk says, in one language. */
export interface DeskWords {
  readonly nav: {
    readonly lockouts: string
    readonly users: string
    readonly sessions: string
    readonly audit: string
  }
  readonly again: { readonly title: string; readonly text: string }
  readonly readOnly: string
  /** Between a heading and what it is about, and between two parts of a sentence. */
  readonly colon: string
  readonly comma: string
  readonly search: string
  readonly clear: string
  readonly whom: string
  readonly whomHint: string
  readonly user: string
  readonly address: string
  readonly gateway: string
  readonly anyGateway: string
  readonly portal: string
  readonly state: string
  readonly noName: string
  readonly nextPage: string
  readonly firstPage: string
  readonly pages: string
  readonly cancel: string
  readonly reason: string
  readonly reasonHint: string
  readonly problem: (problem: FormProblem) => string
  readonly lockouts: {
    readonly now: string
    readonly past: Readonly<Record<Exclude<LockoutState, 'in_force'>, string>>
    readonly live: string
    readonly lost: string
    readonly areLocked: (count: string) => string
    /** The same beside a list of others, or of a few of them. */
    readonly areLockedInAll: (count: string) => string
    readonly states: Readonly<Record<LockoutState, string>>
    readonly nobody: string
    readonly nobodyHint: string
    readonly noneFound: string
    readonly notLocked: (who: string) => string
    readonly none: (who: string) => string
    readonly seeUser: (user: string) => string
    readonly seeAddress: (address: string) => string
    readonly who: string
    readonly why: string
    readonly when: string
    readonly action: string
    readonly release: string
    readonly story: string
    readonly storyOf: (who: string) => string
    readonly lock: string
    /** @param ago how long ago, or until then: HTML, as `Page` makes it. */
    readonly began: (ago: string) => string
    readonly ends: (ago: string) => string
    readonly ended: (ago: string) => string
    readonly endsOnRelease: string
    readonly releasedBy: (actor: string) => string
  }
  readonly scope: (lockout: Pick<Lockout, 'scope' | 'address'>) => string
  readonly evidence: {
    readonly failures: (count: string) => string
    readonly of: (reason: RefusalReason, count: number) => string
    readonly addresses: (count: number) => string
    readonly names: (count: number) => string
    readonly inARow: string
    readonly byHand: (actor: string) => string
    readonly hint: (hint: Hint) => string
    readonly advice: (hint: Hint) => string
    /** @param ago HTML. */
    readonly lastConnected: (ago: string) => string
    readonly triesSince: (count: string) => string
    /** @param ago HTML. */
    readonly last: (ago: string) => string
  }
  readonly story: {
    readonly title: (who: string) => string
    readonly back: string
    readonly locked: string
    readonly facts: string
    readonly scope: string
    readonly cause: string
    readonly causes: Readonly<Record<Lockout['cause'], string>>
    readonly failures: string
    readonly from: string
    readonly place: string
    readonly placeKnown: string
    readonly placeNew: string
    readonly tries: string
    readonly names: string
    readonly none: string
    readonly since: string
    readonly until: string
    readonly endedByItself: string
    readonly decide: string
    readonly release: string
    readonly releaseText: (scope: LockoutScope) => string
    readonly alsoOthers: (count: number) => string
    readonly stillLocked: (count: number) => string
    readonly timeline: string
    readonly empty: string
    readonly more: string
  }
  readonly standing: {
    readonly title: string
    readonly authenticator: string
    readonly noAuthenticator: string
    readonly since: string
    readonly neverUsed: string
    readonly recoveryCodes: (left: number) => string
    readonly sessions: string
    readonly noSessions: string
    readonly groups: string
    readonly noGroups: string
    readonly source: string
    readonly unknown: string
    readonly page: (user: string) => string
    readonly lock: string
    readonly revoke: string
    readonly revokeText: string
    readonly revokeSubmit: string
    readonly invite: string
    readonly inviteText: string
    readonly goodFor: string
    readonly inviteSubmit: string
  }
  readonly invited: {
    readonly title: (user: string) => string
    readonly once: string
    readonly code: string
    readonly tell: (user: string) => string
    readonly tellHere: (user: string) => string
    readonly until: string
    readonly replaces: string
    readonly back: (user: string) => string
  }
  readonly users: {
    readonly title: string
    readonly lead: string
    readonly name: string
    readonly supposedAddress: string
    readonly supposedGateway: string
    readonly submit: string
    readonly wouldPass: string
    readonly wouldBeRefused: string
    readonly cannotTell: string
    readonly outcome: (explanation: Explanation) => string
    readonly policy: string
    readonly reply: string
    readonly asked: string
    readonly answers: Readonly<Record<Explanation['stores'][number]['answer'], string>>
  }
  readonly lock: {
    readonly title: string
    readonly lead: string
    readonly scope: string
    readonly scopes: Readonly<Record<LockoutScope, string>>
    readonly user: string
    readonly address: string
    readonly duration: string
    readonly untilReleased: string
    readonly submit: string
  }
  readonly sessions: {
    readonly title: string
    readonly states: Readonly<Record<SessionState, string>>
    readonly any: string
    readonly vpnAddress: string
    readonly from: string
    readonly began: string
    readonly lasted: string
    readonly traffic: string
    readonly none: string
    readonly pools: string
    readonly held: (held: string, size: string) => string
    readonly nearlyFull: string
    readonly full: string
  }
  readonly audit: {
    readonly title: string
    readonly kind: string
    readonly anyKind: string
    readonly from: string
    readonly to: string
    readonly zone: (zone: string) => string
    readonly when: string
    readonly what: string
    readonly who: string
    readonly where: string
    readonly details: string
    readonly none: string
    readonly exportAs: string
    readonly by: (actor: string) => string
  }
  readonly kind: (kind: AuditKind) => string
  readonly refusal: (reason: string) => string
  readonly timeline: {
    readonly times: (count: number) => string
    readonly from: string
    readonly connected: string
    readonly disconnected: string
    readonly lockEnds: string
    readonly by: (actor: string) => string
  }
  readonly activity: {
    readonly title: string
    readonly logins: string
    readonly refused: string
    readonly sum: (logins: string, refused: string) => string
    readonly most: (count: string) => string
    readonly asTable: string
    readonly hour: string
  }
}

export const DESK_WORDS: Readonly<Record<Locale, DeskWords>> = {
  en: english,
  'zh-CN': simplifiedChinese,
}
