import { createHash } from 'node:crypto'
import type { EphemeralStore } from '../domain/ephemeral-store.ts'
import type { Randomness } from '../domain/random.ts'
import { plainCode, readableCode } from '../domain/readable-code.ts'
import { Secret } from '../domain/secret.ts'

/** The user whose authenticator a code lets enrol. Plain JSON. */
export interface EnrolmentCode {
  /** `Person.subject`. */
  readonly subject: string
}

/** ocserv gives the whole login 240 s (auth-timeout); a code lives no longer, nor does the prompt that shows it. */
export const ENROLMENT_CODE_TTL_MS = 240_000

/** 39 bits. They cannot be tried out: a code is taken only with the user's name, and a wrong one is a failed login. */
const GROUPS = 2

/**
 * Short codes that a VPN prompt shows to users who have no authenticator yet. Each works once, for one user, and no longer
 * than the prompt that shows it.
 */
export class EnrolmentCodes {
  readonly #codes: EphemeralStore<EnrolmentCode>
  readonly #random: Randomness

  constructor(codes: EphemeralStore<EnrolmentCode>, random: Randomness) {
    this.#codes = codes
    this.#random = random
  }

  /** @returns the code to be shown, and the key to revoke it by. @throws Unavailable */
  async issue(username: string, subject: string): Promise<{ readonly code: Secret; readonly key: string }> {
    const code = readableCode(this.#random, GROUPS).toUpperCase()
    const key = keyOf(username, code)
    await this.#codes.put(key, { subject }, ENROLMENT_CODE_TTL_MS)
    return { code: new Secret(code), key }
  }

  /** Spends it: of any number of simultaneous callers one gets it. @throws Unavailable */
  redeem(username: string, typed: Secret): Promise<EnrolmentCode | undefined> {
    return this.#codes.take(keyOf(username, typed.reveal()))
  }

  /** Ends the code whose prompt was answered. @throws Unavailable */
  revoke(key: string): Promise<void> {
    return this.#codes.delete(key)
  }
}

function keyOf(username: string, code: string): string {
  return createHash('sha256')
    .update(`ocbroker enrolment code\0${username}\0${plainCode(code)}`)
    .digest('hex')
}
