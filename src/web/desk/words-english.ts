import type { RefusalReason } from '../../domain/refusal.ts'
import type { DeskWords } from './words.ts'

const plural = (count: number, one: string, many: string) => (count === 1 ? `1 ${one}` : `${count} ${many}`)

const REFUSALS: Readonly<Record<RefusalReason, string>> = {
  malformed_request: 'malformed request',
  rate_limited: 'too many tries at once',
  locked: 'while locked',
  bad_credentials: 'wrong password',
  barred: 'account barred',
  no_second_factor: 'no authenticator',
  wrong_code: 'wrong code',
  code_used: 'code used before',
  challenge_expired: 'took too long',
  challenge_mismatch: 'answer to another login',
  no_policy: 'no policy lets them in',
  no_address: 'no address free',
  unavailable: 'service not available',
}

export const english: DeskWords = {
  nav: { lockouts: 'Lockouts', users: 'Users', sessions: 'Sessions', audit: 'Audit' },
  again: {
    title: 'Sign in with your code',
    text: 'The desk needs both factors, and this browser has shown only the password. Sign out, and sign in again with the code from your app.',
  },
  colon: ': ',
  comma: ', ',
  readOnly: 'Your role lets you look, but not change anything.',
  search: 'Search',
  clear: 'Clear',
  whom: 'User or address',
  whomHint: 'The whole name, or an IP address.',
  user: 'User',
  address: 'Address',
  gateway: 'Gateway',
  anyGateway: 'Any gateway',
  portal: 'Portal',
  state: 'State',
  noName: 'No login could carry this name.',
  nextPage: 'Older',
  firstPage: 'Newest',
  pages: 'Pages',
  cancel: 'Cancel',
  reason: 'Reason',
  reasonHint: 'For the audit trail, with your name: a ticket number, or what the user said.',
  problem(problem) {
    switch (problem) {
      case 'reason':
        return 'Give a reason, in one line of at most 200 characters.'
      case 'user':
        return 'Name a user for this kind of lock, and none for an address alone.'
      case 'address':
        return 'Give an IP address for this kind of lock, and none for a user everywhere.'
      case 'until':
        return 'The end has to lie ahead.'
      case 'unknown_user':
        return 'No identity store knows this user.'
      case 'gateway':
        return 'There is no such gateway.'
      case 'not_in_force':
        return 'It had ended already, or somebody else was quicker. Nothing was changed.'
    }
  },
  lockouts: {
    past: { ended: 'Lockouts that have ended', released: 'Lockouts that were released' },
    now: 'Locked out now',
    live: 'Live',
    lost: 'Connecting again…',
    areLocked: (count) => (count === '1' ? '1 lockout in force' : `${count} lockouts in force`),
    areLockedInAll: (count) => `${count} in force in all`,
    states: { in_force: 'In force', ended: 'Ended', released: 'Released' },
    nobody: 'Nobody is locked out.',
    nobodyHint:
      'Somebody still cannot get in? Search for the name: the user’s page says what a login would come to.',
    noneFound: 'No lockout matches.',
    notLocked: (who) => `${who} is not locked out.`,
    none: (who) => `No such lockout of ${who}.`,
    seeUser: (user) => `Why may ${user} not get in?`,
    seeAddress: (address) => `What came from ${address}?`,
    who: 'Who',
    why: 'Why',
    when: 'When',
    action: 'Let them in?',
    release: 'Release',
    story: 'Story',
    storyOf: (who) => `of ${who}`,
    lock: 'Lock by hand',
    began: (ago) => `began ${ago}`,
    ends: (ago) => `ends ${ago}`,
    ended: (ago) => `ended ${ago}`,
    endsOnRelease: 'until released',
    releasedBy: (actor) => `released by ${actor}`,
  },
  scope({ scope, address = '' }) {
    switch (scope) {
      case 'user_address':
        return `from ${address} only`
      case 'user':
        return 'from everywhere'
      case 'address':
        return 'all users from here'
    }
  },
  evidence: {
    failures: (count) => (count === '1' ? '1 failure' : `${count} failures`),
    of: (reason, count) => `${count} × ${REFUSALS[reason]}`,
    addresses: (count) => plural(count, 'address', 'addresses'),
    names: (count) => `${plural(count, 'name', 'names')} tried from here`,
    inARow: 'too many in a row',
    byHand: (actor) => `By hand: ${actor}`,
    hint(hint) {
      switch (hint) {
        case 'known_place':
          return 'Known place'
        case 'new_place':
          return 'New place'
        case 'guessing':
          return 'Looks like guessing'
        case 'by_hand':
          return 'Locked on purpose'
      }
    },
    advice(hint) {
      switch (hint) {
        case 'known_place':
          return 'The user has connected from this address before. A slip of memory is likely: ask the user, then release.'
        case 'new_place':
          return 'The user has never connected from this address. Make sure by a call that the tries were theirs before you release.'
        case 'guessing':
          return 'Many names or addresses: this looks like somebody guessing. Better leave it to end by itself.'
        case 'by_hand':
          return 'Somebody locked this on purpose. Ask them before you release.'
      }
    },
    lastConnected: (ago) => `last connected ${ago}`,
    triesSince: (count) => (count === '1' ? '1 more try since' : `${count} more tries since`),
    last: (ago) => `last ${ago}`,
  },
  story: {
    title: (who) => `The story of ${who}`,
    back: 'All lockouts',
    locked: 'Locked',
    facts: 'What happened',
    scope: 'Locked',
    cause: 'Cause',
    causes: { failures: 'Failed logins', hard_limit: 'Too many failures in a row', by_hand: 'By hand' },
    failures: 'Failures',
    from: 'From',
    place: 'The address',
    placeKnown: 'connected from here before',
    placeNew: 'never connected from here',
    tries: 'Tries since',
    names: 'Names tried from here',
    none: 'None',
    since: 'Began',
    until: 'Ends',
    endedByItself: 'Ended by itself',
    decide: 'Let them in?',
    release: 'Release',
    releaseText(scope) {
      switch (scope) {
        case 'user_address':
          return 'The user can sign in from this address again at once, and starts with a clean count of failures.'
        case 'user':
          return 'The user can sign in again at once, and starts with a clean count of failures.'
        case 'address':
          return 'Everybody can sign in from this address again at once.'
      }
    },
    alsoOthers: (count) =>
      `Release the user’s ${count === 1 ? 'other lockout' : `${count} other lockouts`} too`,
    stillLocked: (count) =>
      count === 1 ? 'One more lockout bars this user:' : `${count} more lockouts bar this user:`,
    timeline: 'Timeline',
    empty: 'Nothing has been recorded.',
    more: 'Everything in the audit trail',
  },
  standing: {
    title: 'The user',
    authenticator: 'Authenticator',
    noAuthenticator: 'None',
    since: 'since',
    neverUsed: 'never used yet',
    recoveryCodes: (left) => plural(left, 'recovery code left', 'recovery codes left'),
    sessions: 'Connected now',
    noSessions: 'No',
    groups: 'Groups',
    noGroups: 'None',
    source: 'Known to',
    unknown: 'No identity store',
    page: (user) => `All about ${user}`,
    lock: 'Lock by hand',
    revoke: 'Revoke the authenticator',
    revokeText:
      'Its codes and recovery codes stop working at once, and the user is signed out of these pages. VPN sessions go on.',
    revokeSubmit: 'Revoke',
    invite: 'Invite to enrol',
    inviteText: 'Makes a code, shown once, with which the user enrols an authenticator without signing in.',
    goodFor: 'Good for',
    inviteSubmit: 'Make the invitation',
  },
  invited: {
    title: (user) => `Invitation for ${user}`,
    once: 'It is shown only now. Tell it to the user by a way that you trust.',
    code: 'Code',
    tell: (user) => `${user} enters it, with the user name, at`,
    tellHere: (user) => `${user} enters it, with the user name, at the page /enrol of this portal.`,
    until: 'Good once, until',
    replaces: 'The authenticator that is enrolled with it takes the place of any other.',
    back: (user) => `Back to ${user}`,
  },
  users: {
    title: 'Users',
    lead: 'What would a login come to now, and what has happened so far? Nothing is counted by asking.',
    name: 'User name',
    supposedAddress: 'From address',
    supposedGateway: 'At gateway',
    submit: 'Explain',
    wouldPass: 'Would get in',
    wouldBeRefused: 'Would be refused',
    cannotTell: 'Cannot tell',
    outcome({ outcome, stores, policy, locks, enrolment }) {
      const last = stores.at(-1)
      if (outcome.kind === 'would_pass')
        return `With the right password${enrolment === undefined ? '' : ' and code'} they get in by policy ${policy}.`
      if (outcome.kind === 'cannot_tell') return `${last?.store} cannot be asked right now.`
      switch (outcome.reason) {
        case 'locked':
          return `${plural(locks.length, 'lockout is', 'lockouts are')} in the way.`
        case 'barred':
          return `${last?.store} bars the account: ${last?.detail ?? ''}.`
        case 'bad_credentials':
          return 'No identity store knows the name.'
        case 'no_second_factor':
          return 'They have no authenticator yet. Invite them to enrol one.'
        case 'no_policy':
          return policy === undefined ? 'No policy applies to them.' : `Policy ${policy} refuses them.`
        default:
          return outcome.words
      }
    },
    policy: 'Policy',
    reply: 'The gateway would be told',
    asked: 'Stores asked',
    answers: {
      known: 'knows the user',
      barred: 'bars the user',
      unknown: 'does not know',
      unavailable: 'not available',
    },
  },
  lock: {
    title: 'Lock by hand',
    lead: 'For a stolen laptop, a leaver, or an address that keeps guessing. VPN sessions that are open go on until their gateway ends them.',
    scope: 'What to lock',
    scopes: {
      user: 'A user, everywhere',
      user_address: 'A user at one address',
      address: 'An address, for all users',
    },
    user: 'User name',
    address: 'Address',
    duration: 'For',
    untilReleased: 'Until somebody releases it',
    submit: 'Lock',
  },
  sessions: {
    title: 'VPN sessions',
    states: { granted: 'Granted', open: 'Connected', silent: 'No news', ended: 'Ended' },
    any: 'All',
    vpnAddress: 'VPN address',
    from: 'From',
    began: 'Began',
    lasted: 'Lasted',
    traffic: 'Down / up',
    none: 'No session matches.',
    pools: 'Addresses of pools',
    held: (held, size) => `${held} of ${size} in use`,
    nearlyFull: 'Nearly full',
    full: 'Full: nobody else gets in',
  },
  audit: {
    title: 'Audit trail',
    kind: 'What',
    anyKind: 'Everything',
    from: 'From',
    to: 'To',
    zone: (zone) => `Times are those of ${zone}.`,
    when: 'When',
    what: 'What',
    who: 'Who',
    where: 'Where',
    details: 'Details',
    none: 'No event matches.',
    exportAs: 'Export all that match:',
    by: (actor) => `by ${actor}`,
  },
  kind(kind) {
    switch (kind) {
      case 'login.accepted':
        return 'Let in'
      case 'login.challenged':
        return 'Code asked for'
      case 'login.refused':
        return 'Refused'
      case 'login.unavailable':
        return 'Could not be decided'
      case 'address.shared':
        return 'Address in use twice'
      case 'address.released':
        return 'Address taken back by hand'
      case 'lockout.made':
        return 'Locked'
      case 'lockout.released':
        return 'Released'
      case 'user.added':
        return 'User added'
      case 'user.changed':
        return 'User changed'
      case 'user.removed':
        return 'User removed'
      case 'enrolment.made':
        return 'Authenticator enrolled'
      case 'enrolment.revoked':
        return 'Authenticator revoked'
      case 'invitation.made':
        return 'Invited to enrol'
      case 'recovery_codes.made':
        return 'New recovery codes'
      case 'token.made':
        return 'API token made'
      case 'token.revoked':
        return 'API token revoked'
    }
  },
  refusal: (reason) => (Object.hasOwn(REFUSALS, reason) ? REFUSALS[reason as RefusalReason] : reason),
  timeline: {
    times: (count) => `${count} times`,
    from: 'since',
    connected: 'Connected',
    disconnected: 'Disconnected',
    lockEnds: 'Lock ended by itself',
    by: (actor) => `by ${actor}`,
  },
  activity: {
    title: 'Last 24 hours',
    logins: 'Let in',
    refused: 'Refused',
    sum: (logins, refused) =>
      `Logins per hour: ${logins} let in and ${refused} refused in the last 24 hours.`,
    most: (count) => `${count} an hour`,
    asTable: 'As a table',
    hour: 'Hour',
  },
}
