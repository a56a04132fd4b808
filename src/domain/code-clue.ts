import type { Enrolment, TotpAlgorithm } from './enrolment.ts'
import { findCounter } from './one-time-code.ts'
import type { Secret } from './secret.ts'
import { secondsAhead } from './totp.ts'

/** What would have made a wrong code right. For operators, and for users who enrol; no answer to a login tells it. */
export interface CodeClue {
  /** How far a clock that shows the code is ahead of ours, in seconds; negative: behind. */
  readonly aheadSeconds?: number
  /** Codes by counter that would have to be skipped. */
  readonly skipped?: number
  /** The authenticator counts by this one, and not by the enrolled one. */
  readonly algorithm?: TotpAlgorithm
  /** The authenticator shows so many, and not the enrolled number. */
  readonly digits?: number
}

const SPAN_SECONDS = 3600
/** Bounds the work where a period is short. */
const MAX_SPAN_STEPS = 120
/** For other algorithms and digits: with more, a guess would too often be right by chance. */
const NEAR_STEPS = 10
const MAX_SKIPPED = 100
const ALGORITHMS: readonly TotpAlgorithm[] = ['sha1', 'sha256', 'sha512']
const FEWEST_DIGITS = 6
const MOST_DIGITS = 8

type Token = Pick<Enrolment, 'kind' | 'digits' | 'algorithm' | 'period' | 'lastStep'>

/**
 * Looks where else a wrong code would be right: within an hour, or ahead of the counter; by another algorithm or with
 * another number of digits. The work depends on the length of the code and on the token alone, so that its time tells
 * nothing of the result. A guess has such a clue by chance 3 times in 10 000.
 * @param now wall milliseconds.
 */
export function clueTo(code: string, seed: Secret, token: Token, now: number): CodeClue | undefined {
  if (code.length < FEWEST_DIGITS || code.length > MOST_DIGITS) return undefined
  const { algorithm, period, lastStep } = token
  const isByTime = token.kind !== 'hotp'
  const present = isByTime ? Math.floor(now / 1000 / period) : lastStep + 1
  const span = Math.min(Math.ceil(SPAN_SECONDS / period), MAX_SPAN_STEPS)
  const otherwise = isByTime
    ? findCounter(seed, token, code, present - span, present + span)
    : findCounter(seed, token, code, present, present + MAX_SKIPPED)
  const digits = code.length
  const shapes = ALGORITHMS.map((each) => ({ algorithm: each, digits })).filter(
    (shape) => shape.algorithm !== algorithm || digits !== token.digits,
  )
  const others = shapes.map((shape) => ({
    shape,
    step: findCounter(seed, shape, code, present - NEAR_STEPS, present + NEAR_STEPS),
  }))
  const place = (step: number) =>
    isByTime
      ? Math.abs(step - present) > 1 && { aheadSeconds: secondsAhead(step, period, now) }
      : step > present && { skipped: step - present }
  if (otherwise !== undefined) return { ...place(otherwise) }
  const other = others.find(({ step }) => step !== undefined)
  if (other?.step === undefined) return undefined
  return {
    ...place(other.step),
    ...(other.shape.algorithm !== algorithm && { algorithm: other.shape.algorithm }),
    ...(digits !== token.digits && { digits }),
  }
}

/** In one line, as the messages `stored.clue.*` have it. */
export function clueWords({ aheadSeconds, skipped, algorithm, digits }: CodeClue): string {
  const words = [
    ...(aheadSeconds === undefined ? [] : [clockWords(aheadSeconds)]),
    ...(skipped === undefined ? [] : [`right ${skipped} codes further on`]),
    ...(algorithm === undefined ? [] : [`${algorithm.toUpperCase().replace('SHA', 'SHA-')} in the app`]),
    ...(digits === undefined ? [] : [`${digits} digits in the app`]),
  ]
  return words.join(', ')
}

const LONG_SECONDS = 120

function clockWords(ahead: number): string {
  const seconds = Math.abs(ahead)
  const duration = seconds < LONG_SECONDS ? `${seconds} s` : `${Math.round(seconds / 60)} m`
  return `right on a clock ${duration} ${ahead > 0 ? 'ahead' : 'behind'}`
}
