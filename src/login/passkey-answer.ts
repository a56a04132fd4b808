import { createHash } from 'node:crypto'
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server'
import type { PasskeyRefusalReason, PasskeySite } from '../domain/passkey.ts'

/** A credential's identifier has at most 1023 octets (WebAuthn Level 3 §5.1.3). */
const BASE64URL = /^[\w-]{1,1400}$/

/** @returns undefined where it has not the form of an assertion, as `PublicKeyCredential.toJSON()` gives it. */
export function readAssertion(text: string): AuthenticationResponseJSON | undefined {
  const given = readCredential(text)
  const { authenticatorData, signature, userHandle } = given?.response ?? {}
  const isWhole =
    typeof authenticatorData === 'string' &&
    typeof signature === 'string' &&
    (userHandle === undefined || typeof userHandle === 'string')
  return isWhole ? (given as unknown as AuthenticationResponseJSON) : undefined
}

/** @returns undefined where it has not the form of a new credential. */
export function readNewCredential(text: string): RegistrationResponseJSON | undefined {
  const given = readCredential(text)
  return typeof given?.response.attestationObject === 'string'
    ? (given as unknown as RegistrationResponseJSON)
    : undefined
}

function readCredential(text: string) {
  const given = parse(text)
  if (typeof given !== 'object' || given === null) return undefined
  const { id, response } = given as Readonly<Record<string, unknown>>
  if (typeof id !== 'string' || !BASE64URL.test(id)) return undefined
  if (typeof response !== 'object' || response === null) return undefined
  const parts = response as Readonly<Record<string, unknown>>
  return typeof parts.clientDataJSON === 'string' ? { ...given, response: parts } : undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What the browser says of an answer: `clientDataJSON`. @throws SyntaxError where it is not JSON. */
export function readClientData(clientDataJson: string): Readonly<Record<string, unknown>> {
  return { ...JSON.parse(Buffer.from(octetsOf(clientDataJson)).toString()) }
}

export function octetsOf(base64url: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(base64url, 'base64url'))
}

/**
 * Names what was wrong with an answer that the library has refused. It decides nothing.
 * @param lastCounter of the passkey; absent: it is a new one.
 */
export async function whyRefused(
  clientDataJson: string,
  authenticatorData: Uint8Array<ArrayBuffer>,
  { origin, rpId }: PasskeySite,
  lastCounter?: number,
): Promise<{ readonly reason: PasskeyRefusalReason; readonly detail: string }> {
  const { parseAuthenticatorData } = await import('@simplewebauthn/server/helpers')
  try {
    const from = readClientData(clientDataJson)
    const { rpIdHash, flags, counter } = parseAuthenticatorData(authenticatorData)
    if (from.origin !== origin || from.crossOrigin === true)
      return { reason: 'wrong_origin', detail: `it is from ${printable(from.origin)}, not from ${origin}` }
    if (!createHash('sha256').update(rpId).digest().equals(rpIdHash))
      return { reason: 'wrong_rp_id', detail: `it is not for ${rpId}` }
    if (!flags.uv || !flags.up)
      return { reason: 'user_not_verified', detail: 'the authenticator has not verified the user' }
    if (lastCounter !== undefined && counter <= lastCounter && counter + lastCounter > 0)
      return {
        reason: 'counter_went_back',
        detail: `its counter is ${counter} after ${lastCounter}: a copy may be in use`,
      }
    return { reason: 'bad_signature', detail: 'the signature or the form is not right' }
  } catch {
    return { reason: 'malformed', detail: 'it cannot be read' }
  }
}

/** Whatever a client sent, as one that can be shown. */
function printable(origin: unknown): string {
  return URL.parse(String(origin))?.origin ?? 'no address'
}
