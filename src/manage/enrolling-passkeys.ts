import type { PublicKeyCredentialCreationOptionsJSON, RegistrationResponseJSON } from '@simplewebauthn/server'
import {
  MAX_PASSKEYS,
  type Passkey,
  type PasskeyChallenges,
  type PasskeyRefusal,
  type PasskeySite,
  type PasskeyStore,
} from '../domain/passkey.ts'
import { octetsOf, readNewCredential, whyRefused } from '../login/passkey-answer.ts'
import {
  OpenPasskeyChallenges,
  PASSKEY_ANSWER_WITHIN_MS,
  refusePasskey,
} from '../login/passkey-challenges.ts'
import { type AuditContext, type RecordAuditOptions, recordAudit } from './audit-context.ts'
import { passkeyName } from './passkeys.ts'

export interface EnrollingPasskeysOptions extends RecordAuditOptions {
  readonly passkeys: Pick<PasskeyStore, 'list' | 'add'>
  readonly challenges: PasskeyChallenges
  readonly site: PasskeySite
}

/** Who makes a passkey: for whom, and in which browser. */
export interface PasskeyOwner {
  /** `Person.subject`. */
  readonly subject: string
  /** What tells the browser from others, as `PasskeyUse.browser`. */
  readonly browser: string
}

export type PasskeyEnrolment =
  | { readonly kind: 'enrolled'; readonly passkey: Passkey }
  /** `known`: the authenticator has a passkey here already. */
  | { readonly kind: 'full' | 'known' }
  | PasskeyRefusal

/** EdDSA, ES256, RS256 (RFC 9053, RFC 8812): what authenticators of today can do. */
const ALGORITHMS = [-8, -7, -257]
const HANDLE_OCTETS = 32
const PURPOSE = 'enrol'

/** Enrols passkeys of users. */
export class EnrollingPasskeys {
  readonly #options: EnrollingPasskeysOptions
  readonly #challenges: OpenPasskeyChallenges

  constructor(options: EnrollingPasskeysOptions) {
    this.#options = options
    this.#challenges = new OpenPasskeyChallenges(options)
  }

  /** Whether the subject has a passkey that works at the portal's present address. @throws Unavailable */
  async hasUsable(subject: string): Promise<boolean> {
    const { passkeys, site } = this.#options
    return (await passkeys.list(subject)).some(({ rpId }) => rpId === site.rpId)
  }

  /**
   * @param label the user's name as authenticators show it.
   * @returns what the page hands to `navigator.credentials.create`. @throws Unavailable
   */
  async registrationOptions(
    { subject, browser }: PasskeyOwner,
    label: string,
  ): Promise<PublicKeyCredentialCreationOptionsJSON> {
    const { generateRegistrationOptions } = await import('@simplewebauthn/server')
    const { passkeys, site, random } = this.#options
    const own = await passkeys.list(subject)
    const handle = own[0]?.handle ?? random.bytes(HANDLE_OCTETS).toString('base64url')
    const challenge = await this.#challenges.make({ purpose: PURPOSE, browser }, { subject, handle })
    return generateRegistrationOptions({
      rpName: site.name,
      rpID: site.rpId,
      userName: label,
      userDisplayName: label,
      userID: octetsOf(handle),
      challenge,
      timeout: PASSKEY_ANSWER_WITHIN_MS,
      attestationType: 'none',
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      excludeCredentials: own.map(({ credential, transports }) => ({
        id: credential,
        transports: transports?.split(' '),
      })),
      supportedAlgorithmIDs: ALGORITHMS,
    })
  }

  /**
   * Puts a new passkey into service (WebAuthn Level 3 §7.1).
   * @param answer the JSON text of the browser's `PublicKeyCredential`; @param name what the user calls it; empty: a
   * number. @throws Unavailable
   */
  async register(
    answer: string,
    { subject, browser }: PasskeyOwner,
    name: string,
    context: AuditContext,
  ): Promise<PasskeyEnrolment> {
    const credential = readNewCredential(answer)
    const outcome =
      credential === undefined
        ? refusePasskey('malformed', 'it is not an answer of an authenticator')
        : await this.#verify(credential, { subject, browser })
    if (outcome.kind === 'refused') {
      const { reason, detail } = outcome
      const what = { kind: 'passkey.refused', user: subject, reason, detail: `enrol: ${detail}` } as const
      await recordAudit(context, what, this.#options)
      return outcome
    }
    const { passkeys, clock, random } = this.#options
    const passkey: Passkey = {
      id: random.id(),
      subject,
      name: passkeyName(name) || (await this.#numbered(subject)),
      ...outcome.made,
      createdAt: clock.now(),
    }
    const added = await passkeys.add(passkey)
    if (added !== 'added') return { kind: added }
    const what = { kind: 'passkey.enrolled', user: subject, detail: passkey.name } as const
    await recordAudit(context, what, this.#options)
    return { kind: 'enrolled', passkey }
  }

  async #verify(
    credential: RegistrationResponseJSON,
    { subject, browser }: PasskeyOwner,
  ): Promise<{ readonly kind: 'new'; readonly made: NewCredential } | PasskeyRefusal> {
    const { site } = this.#options
    const { clientDataJSON, attestationObject, transports } = credential.response
    const taken = await this.#challenges.take(clientDataJSON, { purpose: PURPOSE, browser })
    if (taken.kind === 'refused') return taken
    if (taken.subject !== subject || taken.handle === undefined)
      return refusePasskey('wrong_purpose', 'the passkey was asked of another user')
    const attested = await attestedData(attestationObject)
    if (attested === undefined) return refusePasskey('malformed', 'its attestation cannot be read')
    const made = await newCredential(credential, taken.challenge, site)
    if (made === undefined) {
      const { reason, detail } = await whyRefused(clientDataJSON, attested, site)
      return refusePasskey(reason, detail)
    }
    const known = transports?.filter((each) => /^[a-z-]{1,20}$/.test(each)).slice(0, 8)
    return {
      kind: 'new',
      made: { ...made, handle: taken.handle, transports: known?.join(' ') || undefined },
    }
  }

  async #numbered(subject: string): Promise<string> {
    const taken = new Set((await this.#options.passkeys.list(subject)).map(({ name }) => name))
    const names = Array.from({ length: MAX_PASSKEYS + 1 }, (_, index) => `passkey ${index + 1}`)
    return names.find((name) => !taken.has(name)) ?? 'passkey'
  }
}

type NewCredential = Pick<Passkey, 'credential' | 'publicKey' | 'counter' | 'rpId' | 'handle' | 'transports'>

/**
 * @returns the authenticator's data; undefined where it comes with a certificate, for which nobody asked: the library
 * would follow the addresses in it.
 */
async function attestedData(attestationObject: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const { decodeAttestationObject } = await import('@simplewebauthn/server/helpers')
  try {
    const decoded = decodeAttestationObject(octetsOf(attestationObject))
    const format = decoded.get('fmt')
    const isPlain =
      format === 'none' || (format === 'packed' && decoded.get('attStmt').get('x5c') === undefined)
    return isPlain ? Uint8Array.from(decoded.get('authData')) : undefined
  } catch {
    return undefined
  }
}

async function newCredential(
  response: RegistrationResponseJSON,
  challenge: string,
  { origin, rpId }: PasskeySite,
): Promise<Omit<NewCredential, 'handle' | 'transports'> | undefined> {
  const { verifyRegistrationResponse } = await import('@simplewebauthn/server')
  try {
    const { registrationInfo } = await verifyRegistrationResponse({
      response,
      expectedChallenge: challenge,
      expectedOrigin: origin,
      expectedRPID: rpId,
      requireUserVerification: true,
      supportedAlgorithmIDs: ALGORITHMS,
    })
    if (registrationInfo === undefined) return undefined
    const { id, publicKey, counter } = registrationInfo.credential
    return { credential: id, publicKey: Buffer.from(publicKey).toString('base64url'), counter, rpId }
  } catch {
    // As of assertions: the library refuses by exceptions.
    return undefined
  }
}
