import { createGuardrails, generateSecret, generateURI, ScureBase32Plugin, verifySync } from 'otplib'
import { NODE_DIGESTS } from './code-digests.ts'
import type { TotpShape } from './enrolment.ts'
import { Secret } from './secret.ts'

const base32 = new ScureBase32Plugin()

/** Octets of the shortest seed that is taken: the 80 bits that many authenticators were enrolled with before the broker. */
export const MIN_SEED_OCTETS = 10

/** What otplib takes; by itself it asks for the 128 bits of RFC 4226 §4 R6, which `newSeed` surpasses. */
export const SEED_RULES = createGuardrails({ MIN_SECRET_BYTES: MIN_SEED_OCTETS })

export type CodeAnswer =
  /** The code of `step` (or counter); whoever accepts it must claim it in the store, where one claim wins. */
  { readonly kind: 'right'; readonly step: number } | { readonly kind: 'used' } | { readonly kind: 'wrong' }

/**
 * Compares a code with those of the current time step and `window` steps to either side (RFC 6238 §5.2).
 * @param seed raw octets; @param now wall milliseconds; @param lastStep the last step that was accepted.
 */
export function matchTotp(
  seed: Secret,
  shape: TotpShape,
  code: string,
  now: number,
  window: number,
  lastStep: number,
): CodeAnswer {
  if (code.length !== shape.digits || !/^[0-9]+$/.test(code)) return { kind: 'wrong' }
  const result = verifySync({
    secret: seed.bytes(),
    token: code,
    digits: shape.digits as 6 | 7 | 8,
    period: shape.period,
    algorithm: shape.algorithm,
    epoch: Math.floor(now / 1000),
    epochTolerance: window * shape.period,
    guardrails: SEED_RULES,
    crypto: NODE_DIGESTS,
  })
  if (!result.valid || !('timeStep' in result)) return { kind: 'wrong' }
  return result.timeStep > lastStep ? { kind: 'right', step: result.timeStep } : { kind: 'used' }
}

/** A new seed of 160 bits (RFC 4226 §4 R6), as octets. */
export function newSeed(): Secret {
  return new Secret(Buffer.from(base32.decode(generateSecret({ length: 20 }))))
}

/** The seed as authenticator apps take it: base32 without padding. It is a secret; show it once. */
export function seedAsBase32(seed: Secret): string {
  return base32.encode(seed.bytes())
}

/** The `otpauth://` URI that authenticator apps read from a QR code. It holds the seed. */
export function otpauthUri(seed: Secret, shape: TotpShape, issuer: string, label: string): string {
  return generateURI({
    issuer,
    label,
    secret: seedAsBase32(seed),
    digits: shape.digits as 6 | 7 | 8,
    period: shape.period,
    algorithm: shape.algorithm,
  })
}
