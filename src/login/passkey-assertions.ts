import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server'
import type { AuditKind, AuditStore } from '../domain/audit.ts'
import { usernameOf } from '../domain/login-name.ts'
import type {
  Passkey,
  PasskeyChallenges,
  PasskeyRefusal,
  PasskeySite,
  PasskeyStore,
} from '../domain/passkey.ts'
import type { Runtime } from '../domain/runtime.ts'
import { octetsOf, readAssertion, readClientData, whyRefused } from './passkey-answer.ts'
import {
  OpenPasskeyChallenges,
  PASSKEY_ANSWER_WITHIN_MS,
  type PasskeyUse,
  refusePasskey,
  type TakenChallenge,
} from './passkey-challenges.ts'

export interface PasskeyAssertionsOptions extends Pick<Runtime, 'clock' | 'random'> {
  readonly passkeys: Pick<PasskeyStore, 'list' | 'findByCredential' | 'claim'>
  readonly challenges: PasskeyChallenges
  readonly audit: Pick<AuditStore, 'append'>
  readonly site: PasskeySite
}

let verified: (passkey: Passkey, purpose: string) => VerifiedPasskey

/**
 * A passkey whose user has just answered a challenge of the broker: the authenticator was there, and has verified that it
 * is the user. Two factors. Only this file can make one.
 */
export class VerifiedPasskey {
  readonly kind = 'verified'
  readonly passkey: Passkey
  /** What the answer is good for. */
  readonly purpose: string

  private constructor(passkey: Passkey, purpose: string) {
    this.passkey = passkey
    this.purpose = purpose
  }

  static {
    verified = (passkey, purpose) => new VerifiedPasskey(passkey, purpose)
  }

  /** `Person.subject` of the owner. */
  get subject(): string {
    return this.passkey.subject
  }
}

/** Asks browsers for an answer of a passkey, and verifies it (WebAuthn Level 3 §7.2). */
export class PasskeyAssertions {
  readonly #options: PasskeyAssertionsOptions
  readonly #challenges: OpenPasskeyChallenges

  constructor(options: PasskeyAssertionsOptions) {
    this.#options = options
    this.#challenges = new OpenPasskeyChallenges(options)
  }

  /**
   * @param subject whose passkeys may answer; absent: anybody's, whom the passkey itself names.
   * @returns what the page hands to `navigator.credentials.get`. @throws Unavailable
   */
  async optionsFor(use: PasskeyUse, subject?: string): Promise<PublicKeyCredentialRequestOptionsJSON> {
    const { generateAuthenticationOptions } = await import('@simplewebauthn/server')
    const { passkeys, site } = this.#options
    const own = subject === undefined ? undefined : await passkeys.list(subject)
    return generateAuthenticationOptions({
      rpID: site.rpId,
      challenge: await this.#challenges.make(use, { subject }),
      timeout: PASSKEY_ANSWER_WITHIN_MS,
      userVerification: 'required',
      allowCredentials: own?.map(({ credential, transports }) => ({
        id: credential,
        transports: transports?.split(' '),
      })),
    })
  }

  /**
   * Takes the challenge, verifies the answer, and takes its counter. Each answer leaves an event.
   * @param answer the JSON text of the browser's `PublicKeyCredential`. @param address where it came from. @throws Unavailable
   */
  async verify(answer: string, use: PasskeyUse, address?: string): Promise<VerifiedPasskey | PasskeyRefusal> {
    const outcome = await this.#verify(answer, use)
    const [purpose = ''] = use.purpose.split(' ', 1)
    if (outcome.kind === 'verified')
      await this.#record('passkey.used', outcome.passkey, { address, detail: purpose })
    else {
      const { reason, detail, passkey } = outcome
      await this.#record('passkey.refused', passkey, { address, reason, detail: `${purpose}: ${detail}` })
    }
    return outcome
  }

  /**
   * Whose passkey it says to be; nothing is verified. @returns undefined where nobody has it. @throws Unavailable
   */
  async ownerOf(answer: string): Promise<string | undefined> {
    const id = readAssertion(answer)?.id
    return id === undefined ? undefined : (await this.#options.passkeys.findByCredential(id))?.subject
  }

  async #verify(answer: string, use: PasskeyUse): Promise<VerifiedPasskey | PasskeyRefusal> {
    const assertion = readAssertion(answer)
    if (assertion === undefined) return refusePasskey('malformed', 'it is not an answer of an authenticator')
    const challenge = await this.#challenges.take(assertion.response.clientDataJSON, use)
    if (challenge.kind === 'refused') return challenge
    const passkey = await this.#options.passkeys.findByCredential(assertion.id)
    if (passkey === undefined) return refusePasskey('unknown_passkey', 'no user has such a passkey')
    const { userHandle } = assertion.response
    // §7.2 step 6: where nobody was named before, the passkey must say whose it is.
    const isOwners =
      userHandle === undefined ? challenge.subject !== undefined : userHandle === passkey.handle
    if (!isOwners) return refusePasskey('unknown_passkey', 'the passkey names another user', passkey)
    if (challenge.subject !== undefined && challenge.subject !== passkey.subject)
      return refusePasskey('wrong_purpose', `the passkey was asked of ${challenge.subject}`, passkey)
    return this.#check(assertion, challenge, passkey)
  }

  async #check(
    assertion: AuthenticationResponseJSON,
    { challenge, purpose }: TakenChallenge,
    passkey: Passkey,
  ): Promise<VerifiedPasskey | PasskeyRefusal> {
    const { site, passkeys, clock } = this.#options
    const { clientDataJSON, authenticatorData } = assertion.response
    const refused = async () => {
      const octets = octetsOf(authenticatorData)
      const { reason, detail } = await whyRefused(clientDataJSON, octets, site, passkey.counter)
      return refusePasskey(reason, detail, passkey)
    }
    // The library takes an answer from a frame within another site's page; here no page may be framed.
    if (readClientData(clientDataJSON).crossOrigin === true) return refused()
    const counter = await verifiedCounter(assertion, challenge, passkey, site)
    if (counter === undefined) return refused()
    // Two answers that are verified at the same time have read the same counter.
    if (!(await passkeys.claim(passkey.id, counter, clock.now())))
      return refusePasskey('counter_went_back', `its counter is ${counter}, or it was removed`, passkey)
    return verified(passkey, purpose)
  }

  async #record(
    kind: AuditKind,
    passkey: Passkey | undefined,
    more: { readonly address?: string; readonly reason?: string; readonly detail: string },
  ): Promise<void> {
    const { audit, clock, random } = this.#options
    const { subject, name } = passkey ?? {}
    const user = subject === undefined ? undefined : usernameOf(subject)
    await audit.append({
      id: random.id(),
      at: clock.now(),
      kind,
      user,
      name: subject === user ? undefined : subject,
      ...more,
      detail: name === undefined ? more.detail : `${name}, ${more.detail}`,
    })
  }
}

/** @returns the counter of the answer; undefined where it is not right. */
async function verifiedCounter(
  assertion: AuthenticationResponseJSON,
  challenge: string,
  { credential, publicKey, counter }: Passkey,
  { origin, rpId }: PasskeySite,
): Promise<number | undefined> {
  const { verifyAuthenticationResponse } = await import('@simplewebauthn/server')
  try {
    const answer = await verifyAuthenticationResponse({
      response: assertion,
      expectedChallenge: challenge,
      expectedOrigin: origin,
      expectedRPID: rpId,
      requireUserVerification: true,
      credential: {
        id: credential,
        publicKey: octetsOf(publicKey),
        counter,
      },
    })
    return answer.verified ? answer.authenticationInfo.newCounter : undefined
  } catch {
    // The library refuses by exceptions; it asks nothing of anybody, so that none of them is an outage.
    return undefined
  }
}
