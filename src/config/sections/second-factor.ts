import { z } from 'zod'
import type { TotpShape } from '../../domain/enrolment.ts'
import type { Report } from '../fault.ts'
import { duration, text } from '../scalars.ts'
import type { Draft } from '../schema-walk.ts'

const totpShape = z.strictObject({
  digits: z.literal([6, 7, 8]).default(6),
  period: duration({ min: '15s', max: '120s', wholeSeconds: true }).default(30_000),
  window: z.int().min(0).max(5).default(1),
  algorithm: z.enum(['sha1', 'sha256', 'sha512']).default('sha1'),
  issuer: text(64).default('ocbroker'),
})

export const secondFactorShape = z.strictObject({
  required: z.boolean().default(true),
  mode: z.enum(['challenge', 'append', 'either', 'only']).default('challenge'),
  // ocserv fails a login at its sixteenth stage, and each wrong code is one.
  tries: z.int().min(1).max(10).default(3),
  // ocserv gives the whole login 240 s (auth-timeout).
  answer_within: duration({ min: '10s', max: '240s' }).default(120_000),
  enrol_at_login: z.boolean().default(false),
  same_answer_within: duration({ min: '0s', max: '30s' }).default(0),
  totp: totpShape.prefault({}),
})

type Parsed = z.output<typeof secondFactorShape>

export interface SecondFactorConfig {
  /** False: users without an authenticator pass with their password alone. */
  readonly required: boolean
  readonly mode: 'challenge' | 'append' | 'either' | 'only'
  /** Wrong codes in one login before it is rejected. */
  readonly tries: number
  /** Milliseconds in which a challenge can be answered. */
  readonly answerWithinMs: number
  /** Whether users without an authenticator enrol one in the midst of a login, where their policy does not say. */
  readonly enrolAtLogin: boolean
  /** Milliseconds for which a code that was accepted is answered with the same grant again; 0: not at all. */
  readonly sameAnswerWithinMs: number
  readonly totp: TotpShape & {
    /** Time steps to either side of now whose codes are taken (RFC 6238 §5.2). */
    readonly window: number
    /** The name that authenticator apps show beside the user's. */
    readonly issuer: string
  }
}

const WISE_WINDOW = 1

export function checkSecondFactor(draft: Draft<Parsed>, report: Report): void {
  if (draft.mode === 'only' && draft.required === false)
    report.fault(
      ['second_factor', 'required'],
      'with mode: only the code is all there is, so it cannot be optional',
      'remove this key, or choose another mode',
    )
  const { issuer, window } = draft.totp ?? {}
  if (issuer?.includes(':') === true)
    report.fault(['second_factor', 'totp', 'issuer'], 'holds a colon, which authenticator apps cut at')
  if (window !== undefined && window > WISE_WINDOW)
    report.warn(
      ['second_factor', 'totp', 'window'],
      `takes ${2 * window + 1} codes at any time; RFC 6238 advises one step of delay at most`,
      'keep the clocks right, and write 1',
    )
}

export function resolveSecondFactor(parsed: Parsed): SecondFactorConfig {
  const { period, ...totp } = parsed.totp
  return {
    required: parsed.required,
    mode: parsed.mode,
    tries: parsed.tries,
    answerWithinMs: parsed.answer_within,
    enrolAtLogin: parsed.enrol_at_login,
    sameAnswerWithinMs: parsed.same_answer_within,
    totp: { ...totp, period: period / 1000 },
  }
}
