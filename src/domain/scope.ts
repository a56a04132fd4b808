/** What a token or a role may do. Stable names, found in tokens, the configuration's roles and openapi.yaml. */
export const SCOPES = [
  'lockouts:read',
  'lockouts:write',
  'users:read',
  'users:write',
  'passwords:write',
  'passwords:mail',
  'enrolments:read',
  'enrolments:write',
  'sessions:read',
  'sessions:write',
  'audit:read',
  'policies:read',
  'explain',
  'metrics:read',
] as const

export type Scope = (typeof SCOPES)[number]

export function isScope(text: string): text is Scope {
  return (SCOPES as readonly string[]).includes(text)
}

/** Before the name of the one gateway whose agent a token is for. Such a token has no scope beside it. */
const OF_AGENT = 'gateway:'

/** @returns the gateway of an agent's scope; undefined for any other. */
export function gatewayOfScope(text: string): string | undefined {
  return text.startsWith(OF_AGENT) ? text.slice(OF_AGENT.length) : undefined
}

export function agentScope(gateway: string): string {
  return OF_AGENT + gateway
}

const ROLES = ['admin', 'desk', 'auditor'] as const

export type Role = (typeof ROLES)[number]

const READING = SCOPES.filter((scope) => scope.endsWith(':read') || scope === 'explain')

const SCOPES_OF_ROLE: Readonly<Record<Role, readonly Scope[]>> = {
  admin: SCOPES,
  /** Helps users. It never sees a password link: with an authenticator that is the whole account. */
  desk: [...READING, 'lockouts:write', 'passwords:mail', 'enrolments:write', 'sessions:write'],
  auditor: READING,
}

/**
 * Groups whose members have a role, for all users or only for those who are in one of the groups `over`; `require`: only
 * where they have signed in by it.
 */
interface RoleGrant {
  readonly groups: readonly string[]
  readonly over?: readonly string[]
  readonly require?: 'passkey'
}

/** Who has which role. */
export type RoleGrants = Readonly<Record<Role, readonly RoleGrant[]>>

/** For whom a right is good: everybody, or those who are in one of these groups. */
type Reach = 'everybody' | readonly string[]

/** What somebody may do, and for whom. */
export type Rights = ReadonlyMap<Scope, Reach>

/** The roles of a user with these groups, the most powerful first. */
export function rolesOf(groups: readonly string[], roles: RoleGrants): readonly Role[] {
  return ROLES.filter((role) => roles[role].some((grant) => isGivenTo(groups, grant)))
}

/** The rights of a user with these groups who has shown all that their roles require. */
export function rightsOf(groups: readonly string[], roles: RoleGrants): Rights {
  return merged(
    ROLES.flatMap((role) => roles[role].filter((grant) => isGivenTo(groups, grant)).map(given(role))),
  )
}

/** The rights of a user who is signed in. @param byPasskey whether a passkey was shown. */
export function rightsNow(groups: readonly string[], roles: RoleGrants, byPasskey: boolean): Rights {
  return byPasskey ? rightsOf(groups, roles) : rightsOf(groups, withoutPasskeyRoles(roles))
}

/** Whether a passkey would give a user with these groups a right that they do not have without. */
export function wantsPasskey(groups: readonly string[], roles: RoleGrants): boolean {
  return !covers(rightsOf(groups, withoutPasskeyRoles(roles)), rightsOf(groups, roles))
}

function withoutPasskeyRoles(roles: RoleGrants): RoleGrants {
  const [admin, desk, auditor] = ROLES.map((role) =>
    roles[role].filter((grant) => grant.require === undefined),
  )
  return { admin: admin ?? [], desk: desk ?? [], auditor: auditor ?? [] }
}

/** The rights of whoever has all roles of the configuration. */
export function rightsOfAllRoles(roles: RoleGrants): Rights {
  return merged(ROLES.flatMap((role) => roles[role].map(given(role))))
}

/** These rights, for everybody. */
export function rightsToAll(scopes: Iterable<Scope>): Rights {
  return new Map([...scopes].map((scope) => [scope, 'everybody']))
}

/** Whether whoever has the rights may do all that the others allow, to all for whom they are good. */
export function covers(rights: Rights, others: Rights): boolean {
  return [...others].every(([scope, reach]) => {
    const own = rights.get(scope)
    if (own === undefined || own === 'everybody') return own !== undefined
    return reach !== 'everybody' && reach.every((group) => own.includes(group))
  })
}

/** The groups whose users alone may be seen by these rights; undefined: all users. Every role reads all that there is to read. */
export function overOf(rights: Rights): readonly string[] | undefined {
  const partial = READING.map((scope) => rights.get(scope)).filter((reach) => typeof reach === 'object')
  return partial[0]
}

/**
 * The groups whose users alone one right is good for; undefined: all users. A right that is missing is good for nobody.
 * Who reads all by one role may change only a part by another.
 */
export function reachOf(rights: Rights, scope: Scope): readonly string[] | undefined {
  const reach = rights.get(scope) ?? []
  return reach === 'everybody' ? undefined : reach
}

/** Whether all that the rights allow is allowed for a user with these groups. */
export function areGoodFor(rights: Rights, groups: readonly string[]): boolean {
  return [...rights.values()].every((reach) => isWithin(reach, groups))
}

/** Whether a user with these groups is one of those for whom a right is good. */
function isWithin(reach: Reach, groups: readonly string[]): boolean {
  return reach === 'everybody' || groups.some((group) => reach.includes(group))
}

function isGivenTo(groups: readonly string[], grant: RoleGrant): boolean {
  return grant.groups.some((group) => groups.includes(group))
}

type Right = readonly [scope: Scope, reach: Reach]

function given(role: Role): (grant: RoleGrant) => readonly Right[] {
  return ({ over }) => SCOPES_OF_ROLE[role].map((scope): Right => [scope, over ?? 'everybody'])
}

function merged(grants: readonly (readonly Right[])[]): Rights {
  const rights = new Map<Scope, Reach>()
  for (const [scope, reach] of grants.flat()) {
    const known = rights.get(scope)
    const isAll = known === 'everybody' || reach === 'everybody'
    rights.set(scope, isAll ? 'everybody' : [...new Set([...(known ?? []), ...reach])])
  }
  return rights
}
