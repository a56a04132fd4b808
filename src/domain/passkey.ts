import type { EphemeralStore } from './ephemeral-store.ts'

/** A discoverable WebAuthn credential of a user (WebAuthn Level 3 §4). Times are wall milliseconds. */
export interface Passkey {
  readonly id: string
  /** The owner: `Person.subject`. */
  readonly subject: string
  /** What the user calls it. */
  readonly name: string
  /** The credential's identifier, in base64url; unique over all users. */
  readonly credential: string
  /** The user's handle, in base64url: the same for all passkeys of a subject, and without a meaning (§14.6.1). */
  readonly handle: string
  /** The public key as a COSE key (RFC 9052 §7), in base64url. */
  readonly publicKey: string
  /** The last signature counter (§6.1.1); 0: the authenticator keeps none. */
  readonly counter: number
  /** The domain that it was made for, and works for alone. */
  readonly rpId: string
  /** How a browser reaches it, as `internal hybrid`, separated by blanks; absent: unknown. */
  readonly transports?: string
  readonly createdAt: number
  readonly usedAt?: number
}

/** What of a passkey people may see. */
export type ShownPasskey = Pick<Passkey, 'id' | 'subject' | 'name' | 'createdAt' | 'usedAt'>

/** For whom passkeys are made (the Relying Party, §1.1). */
export interface PasskeySite {
  /** The domain: the host of the portal, or a parent of it. */
  readonly rpId: string
  /** Of the portal's pages: `https://vpn.example.org`. */
  readonly origin: string
  /** As authenticators show it. */
  readonly name: string
}

/** What a browser was asked to sign, until it answers. Plain JSON. */
export interface PasskeyChallenge {
  /** What the answer is good for: `sign-in`, `approve …`. */
  readonly purpose: string
  /** The digest of what tells the browser from others. */
  readonly browser: string
  /** Whose passkey must answer; absent: anybody's. */
  readonly subject?: string
  /** For a passkey to be made: the user's handle. */
  readonly handle?: string
  /** Wall milliseconds. */
  readonly until: number
  /** An answer has come. */
  readonly isSpent?: boolean
}

/** By the challenge in base64url, which cannot be guessed. */
export type PasskeyChallenges = EphemeralStore<PasskeyChallenge>

/** Why an answer to a challenge was not taken. Stable names, found in the audit trail and the metrics. */
export type PasskeyRefusalReason =
  /** Not an answer of an authenticator at all. */
  | 'malformed'
  /** No such challenge was made here, or it was forgotten long ago. */
  | 'unknown_challenge'
  | 'expired'
  | 'replayed'
  /** The challenge was made for something else, for another browser or for another user. */
  | 'wrong_purpose'
  /** No user has such a passkey, or it was removed. */
  | 'unknown_passkey'
  | 'wrong_origin'
  | 'wrong_rp_id'
  /** The authenticator did not see that it is the user: no PIN, fingerprint or the like. */
  | 'user_not_verified'
  /** The signature counter is not above the last one: a copy of the passkey may be in use (§6.1.1). */
  | 'counter_went_back'
  | 'bad_signature'

/** An answer that is not taken. */
export interface PasskeyRefusal {
  readonly kind: 'refused'
  readonly reason: PasskeyRefusalReason
  /** For the operator; holds no secret. */
  readonly detail: string
  /** The passkey that answered, where it is known. */
  readonly passkey?: Passkey
}

export const MAX_PASSKEYS = 10

export interface PasskeyStore {
  /** The oldest first. */
  list(subject: string): Promise<readonly Passkey[]>
  find(id: string): Promise<Passkey | undefined>
  findByCredential(credential: string): Promise<Passkey | undefined>
  /** `full`: the subject has `MAX_PASSKEYS`; `known`: somebody has this credential already. */
  add(passkey: Passkey): Promise<'added' | 'full' | 'known'>
  /**
   * Takes a signature counter and notes the use. Of simultaneous claims of one counter one succeeds, but for
   * authenticators that keep none and always say 0. @returns false also where the passkey was removed.
   */
  claim(id: string, counter: number, now: number): Promise<boolean>
  /** @returns the passkey as it was before; undefined where the subject has none of this identifier. */
  rename(id: string, subject: string, name: string): Promise<Passkey | undefined>
  /** @returns what was removed. */
  remove(id: string, subject: string): Promise<Passkey | undefined>
  /** @returns what was removed. */
  removeAllOf(subject: string): Promise<readonly Passkey[]>
  /** How many were made for each domain. */
  countByRpId(): Promise<Readonly<Record<string, number>>>
}
