/** What a token or a role may do. Stable names, found in tokens, the configuration's roles and openapi.yaml. */
export const SCOPES = [
  'lockouts:read',
  'lockouts:write',
  'users:read',
  'users:write',
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
  /** Helps users: releases, locks, enrols, ends sessions; users themselves are for administrators. */
  desk: [...READING, 'lockouts:write', 'enrolments:write', 'sessions:write'],
  auditor: READING,
}

/** Which groups have which role. */
export type RoleGroups = Readonly<Record<Role, readonly string[]>>

/** The roles of a user with these groups, the most powerful first. */
export function rolesOf(groups: readonly string[], roles: RoleGroups): readonly Role[] {
  return ROLES.filter((role) => roles[role].some((group) => groups.includes(group)))
}

export function scopesOf(roles: readonly Role[]): ReadonlySet<Scope> {
  return new Set(roles.flatMap((role) => SCOPES_OF_ROLE[role]))
}
