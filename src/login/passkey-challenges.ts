import { createHash, timingSafeEqual } from 'node:crypto'
import type {
  PasskeyChallenge,
  PasskeyChallenges,
  PasskeyRefusal,
  PasskeyRefusalReason,
} from '../domain/passkey.ts'
import type { Runtime } from '../domain/runtime.ts'
import { readClientData } from './passkey-answer.ts'

export interface PasskeyChallengesOptions extends Pick<Runtime, 'clock' | 'random'> {
  readonly challenges: PasskeyChallenges
}

/** What an answer must be to: the same as when the challenge was made. */
export interface PasskeyUse {
  /** What it is good for: `sign-in`, `approve …`. */
  readonly purpose: string
  /** What tells the browser from others, as `BrowserSession.mark`; kept as a digest. */
  readonly browser: string
}

/** A challenge that was taken: nobody can answer it any more. */
export interface TakenChallenge extends PasskeyChallenge {
  readonly kind: 'taken'
  /** In base64url. */
  readonly challenge: string
}

export const PASSKEY_ANSWER_WITHIN_MS = 120_000
/** How much longer it is known that a challenge has expired or was answered, in milliseconds. */
const KNOWN_FOR_MS = 60_000
const OCTETS = 32

/** Challenges of passkeys: each for one purpose and one browser, for two minutes, answered once. */
export class OpenPasskeyChallenges {
  readonly #options: PasskeyChallengesOptions

  constructor(options: PasskeyChallengesOptions) {
    this.#options = options
  }

  /** @returns the octets to be signed. @throws Unavailable */
  async make(
    { purpose, browser }: PasskeyUse,
    whose: Pick<PasskeyChallenge, 'subject' | 'handle'>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { challenges, clock, random } = this.#options
    const octets = Uint8Array.from(random.bytes(OCTETS))
    const until = clock.now() + PASSKEY_ANSWER_WITHIN_MS
    const challenge = { purpose, browser: digestOf(browser), ...whose, until }
    await challenges.put(
      Buffer.from(octets).toString('base64url'),
      challenge,
      PASSKEY_ANSWER_WITHIN_MS + KNOWN_FOR_MS,
    )
    return octets
  }

  /** Takes the challenge that an answer names before anything of it is checked. @throws Unavailable */
  async take(clientDataJson: string, use: PasskeyUse): Promise<TakenChallenge | PasskeyRefusal> {
    const { challenges, clock } = this.#options
    const challenge = challengeIn(clientDataJson)
    if (challenge === undefined) return refusePasskey('malformed', 'the answer names no challenge')
    const found = await challenges.take(challenge)
    if (found === undefined) return refusePasskey('unknown_challenge', 'no such challenge is open')
    await challenges.put(challenge, { ...found, isSpent: true }, KNOWN_FOR_MS)
    if (found.isSpent === true) return refusePasskey('replayed', 'the challenge was answered before')
    if (found.until <= clock.now())
      return refusePasskey('expired', `the answer came after ${PASSKEY_ANSWER_WITHIN_MS / 1000} s`)
    if (found.purpose !== use.purpose)
      return refusePasskey(
        'wrong_purpose',
        `the passkey was asked for ${found.purpose}, not for ${use.purpose}`,
      )
    if (!timingSafeEqual(Buffer.from(found.browser), Buffer.from(digestOf(use.browser))))
      return refusePasskey('wrong_purpose', 'the passkey was asked of another browser')
    return { kind: 'taken', challenge, ...found }
  }
}

export function refusePasskey(
  reason: PasskeyRefusalReason,
  detail: string,
  passkey?: PasskeyRefusal['passkey'],
): PasskeyRefusal {
  return { kind: 'refused', reason, detail, passkey }
}

function challengeIn(clientDataJson: string): string | undefined {
  try {
    const { challenge } = readClientData(clientDataJson)
    return typeof challenge === 'string' && /^[\w-]{43}$/.test(challenge) ? challenge : undefined
  } catch {
    return undefined
  }
}

function digestOf(browser: string): string {
  return createHash('sha256').update(`ocbroker passkey browser\0${browser}`).digest('hex')
}
