import { createHash } from 'node:crypto'
import type { Randomness } from './random.ts'
import type { Scope } from './scope.ts'
import { Secret } from './secret.ts'

/** A bearer token (RFC 6750) as it is kept: the token itself is shown once and never stored. Wall milliseconds. */
export interface ApiToken {
  readonly id: string
  readonly name: string
  /** Hex SHA-256 of the token: 256 random bits need no slower digest. */
  readonly hash: string
  readonly scopes: readonly Scope[]
  readonly createdAt: number
  readonly createdBy: string
  /** Absent: it does not end by itself. */
  readonly expiresAt?: number
  readonly lastUsedAt?: number
  readonly revokedAt?: number
  readonly revokedBy?: string
}

/** Every method may throw `Unavailable`. */
export interface TokenStore {
  /** @returns `exists` where a token of this name has not been revoked. */
  add(token: ApiToken): Promise<'added' | 'exists'>
  findByHash(hash: string): Promise<ApiToken | undefined>
  /** Newest first, at most `limit`. */
  list(limit: number): Promise<readonly ApiToken[]>
  /** @param name of a token that has not been revoked. @returns the token as it was, or undefined. */
  revoke(name: string, by: string, now: number): Promise<ApiToken | undefined>
  /** Notes a use; one that is earlier than the one noted is passed over. */
  noteUse(id: string, now: number): Promise<void>
}

/** Tells people and secret scanners what they are looking at. */
const PREFIX = 'ocb_'
const OCTETS = 32
const FORM = new RegExp(`^${PREFIX}[A-Za-z0-9_-]{43}$`)

/** `ocb_` and 256 bits in base64url. */
export function newTokenSecret(random: Randomness): Secret {
  return new Secret(PREFIX + random.bytes(OCTETS).toString('base64url'))
}

/** @returns what the token is kept under, or undefined where the text has not the form of a token. */
export function tokenHash(text: string): string | undefined {
  return FORM.test(text) ? createHash('sha256').update(text).digest('hex') : undefined
}

export function standingOf(token: ApiToken, now: number): 'valid' | 'expired' | 'revoked' {
  if (token.revokedAt !== undefined) return 'revoked'
  return token.expiresAt !== undefined && token.expiresAt <= now ? 'expired' : 'valid'
}
