import { createHash } from 'node:crypto'
import type { PassingStore } from '../domain/passing-store.ts'
import type { Randomness } from '../domain/random.ts'
import { plainCode, readableCode } from '../domain/readable-code.ts'
import { Secret } from '../domain/secret.ts'

/** Whose authenticator a code lets enrol. Plain JSON. */
export interface EnrolmentCode {
  /** `Person.subject`. */
  readonly subject: string
}

/** ocserv gives the whole login 240 s (auth-timeout); a code and the prompt that shows it live no longer. */
export const ENROL_WITHIN_MS = 240_000

/**
 * 39 bits. Nobody tries them out: the code is asked for with the user's name, and a wrong one counts as a failed login
 * of that user.
 */
const GROUPS = 2

/**
 * Short codes that a VPN prompt shows to users who have no authenticator yet. Each is good once, for one user, and no
 * longer than the prompt that shows it.
 */
export class EnrolmentCodes {
  readonly #kept: PassingStore<EnrolmentCode>
  readonly #random: Randomness

  constructor(kept: PassingStore<EnrolmentCode>, random: Randomness) {
    this.#kept = kept
    this.#random = random
  }

  /** @param user stem. @returns the code to be shown, and the key to revoke it by. @throws Unavailable */
  async issue(user: string, subject: string): Promise<{ readonly code: Secret; readonly key: string }> {
    const code = readableCode(this.#random, GROUPS).toUpperCase()
    const key = keyOf(user, code)
    await this.#kept.put(key, { subject }, ENROL_WITHIN_MS)
    return { code: new Secret(code), key }
  }

  /** Spends it: of any number of simultaneous callers one gets it. @throws Unavailable */
  redeem(user: string, typed: Secret): Promise<EnrolmentCode | undefined> {
    return this.#kept.take(keyOf(user, typed.reveal()))
  }

  /** For when its prompt was answered. @throws Unavailable */
  revoke(key: string): Promise<void> {
    return this.#kept.delete(key)
  }
}

function keyOf(user: string, code: string): string {
  return createHash('sha256')
    .update(`ocbroker enrolment code\0${user}\0${plainCode(code)}`)
    .digest('hex')
}
