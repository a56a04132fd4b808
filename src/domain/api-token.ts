import { createHash } from 'node:crypto'
import type { Randomness } from './random.ts'
import type { Scope } from './scope.ts'
import { Secret } from './secret.ts'

/** A bearer token (RFC 6750) as it is stored; the token itself is shown once. Times are wall milliseconds. */
export interface ApiToken {
  readonly id: string
  readonly name: string
  /** Hex SHA-256 of the token: 256 random bits need no slower digest. */
  readonly hash: string
  readonly scopes: readonly Scope[]
  /** It is for the agent of this gateway, and has no scopes. */
  readonly gateway?: string
  readonly createdAt: number
  readonly createdBy: string
  /** Absent: never. */
  readonly expiresAt?: number
  readonly lastUsedAt?: number
  readonly revokedAt?: number
  readonly revokedBy?: string
}

/** Every method may throw `Unavailable`. */
export interface TokenStore {
  /** @returns `exists` if there is a token of this name that is not revoked. */
  add(token: ApiToken): Promise<'added' | 'exists'>
  findByHash(hash: string): Promise<ApiToken | undefined>
  /** Newest first, at most `limit`. */
  list(limit: number): Promise<readonly ApiToken[]>
  /** @param name of a token that is not revoked. @returns the token before the change, or undefined. */
  revoke(name: string, by: string, now: number): Promise<ApiToken | undefined>
  /** Records a use; an earlier one than the last is ignored. */
  noteUse(id: string, now: number): Promise<void>
}

/** Identifies a token for people and secret scanners. */
const PREFIX = 'ocb_'
const OCTETS = 32
const FORM = new RegExp(`^${PREFIX}[A-Za-z0-9_-]{43}$`)

/** `ocb_` and 256 bits in base64url. */
export function newTokenSecret(random: Randomness): Secret {
  return new Secret(PREFIX + random.bytes(OCTETS).toString('base64url'))
}

/** @returns the key under which the token is stored; undefined if the text is no token. */
export function tokenHash(text: string): string | undefined {
  return FORM.test(text) ? createHash('sha256').update(text).digest('hex') : undefined
}

export function tokenStateOf(token: ApiToken, now: number): 'valid' | 'expired' | 'revoked' {
  if (token.revokedAt !== undefined) return 'revoked'
  return token.expiresAt !== undefined && token.expiresAt <= now ? 'expired' : 'valid'
}
