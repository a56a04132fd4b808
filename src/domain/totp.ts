import { generateSecret, generateURI, ScureBase32Plugin } from 'otplib'
import type { Enrolment, TotpShape } from './enrolment.ts'
import { type CodeAnswer, findCounter } from './one-time-code.ts'
import { Secret } from './secret.ts'

const base32 = new ScureBase32Plugin()

/** Which time steps are looked at, in numbers of steps. */
export interface TotpWindow {
  /** To either side of the token's present step (RFC 6238 §5.2). */
  readonly window: number
  /** How far the token's clock may be from ours in all; 0: its drift is not followed. */
  readonly resync: number
}

/**
 * Compares a code with those of the token's present time step and `window` steps to either side (RFC 6238 §5.2). The
 * token's clock is followed (RFC 6238 §6): each accepted code moves the drift by the least that explains it.
 * @param seed raw octets; @param now wall milliseconds;
 * @param outside of the wrong code before it in the same login: the code of the step after that is right as well.
 */
export function matchTotp(
  seed: Secret,
  token: TotpShape & Pick<Enrolment, 'lastStep' | 'driftMs'>,
  code: string,
  now: number,
  { window, resync }: TotpWindow,
  outside?: number,
): CodeAnswer {
  const { period, lastStep, driftMs } = token
  const bound = resync * period * 1000
  const present = stepAt(now + clamp(driftMs, -bound, bound), period)
  const step = findCounter(seed, token, code, present - window, present + window)
  if (step !== undefined)
    return step > lastStep
      ? { kind: 'right', step, driftMs: driftAt(step, token, now, resync) }
      : { kind: 'used' }
  const real = stepAt(now, period)
  const found = findCounter(seed, token, code, real - resync, real + resync)
  if (found === undefined || found <= lastStep) return { kind: 'wrong' }
  // Two codes in a row are no chance hit, where one of so many steps would be too easily guessed.
  return outside !== undefined && found === outside + 1
    ? { kind: 'right', step: found, driftMs: driftAt(found, token, now, resync) }
    : { kind: 'wrong', outside: found }
}

/** How far the clock of a token that shows the code of `step` is ahead of ours, in whole seconds, to half a period. */
export function secondsAhead(step: number, period: number, now: number): number {
  return Math.round((step + 0.5) * period - now / 1000)
}

function stepAt(ms: number, period: number): number {
  return Math.floor(ms / 1000 / period)
}

/** The drift nearest to the one before with which the token is within `step` now; `resync` steps at most. */
function driftAt(
  step: number,
  { period, driftMs }: TotpShape & Pick<Enrolment, 'driftMs'>,
  now: number,
  resync: number,
): number {
  const [least, most] = [step * period * 1000 - now, (step + 1) * period * 1000 - 1 - now]
  const bound = resync * period * 1000
  return clamp(clamp(driftMs, least, most), -bound, bound)
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most)
}

/** A new seed of 160 bits (RFC 4226 §4 R6), as octets. */
export function newSeed(): Secret {
  return new Secret(Buffer.from(base32.decode(generateSecret({ length: 20 }))))
}

/** The seed for authenticator apps: base32 without padding. It is secret; show it once. */
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
