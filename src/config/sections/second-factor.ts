import { z } from 'zod'
import { duration, text } from '../../schema/scalars.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { PartialConfig } from '../partial-config.ts'
import { graceSchema, resolveGrace } from './grace.ts'

export const secondFactorSchema = z.strictObject({
  /** False: users without an authenticator log in with their password alone. */
  required: z.boolean().default(true),
  mode: z.enum(['challenge', 'append', 'either', 'only', 'approve']).default('challenge'),
  /** Wrong codes in one login. ocserv ends a login at its sixteenth stage, and each wrong code is one. */
  tries: z.int().min(1).max(10).default(3),
  /** ocserv gives the whole login 240 s (auth-timeout). */
  answer_within: duration({ min: '10s', max: '240s' }).default(120_000),
  /** Whether users enrol an authenticator during a login; a policy may say otherwise. */
  enrol_at_login: z.boolean().default(false),
  /** Until when users without an authenticator are let in by password alone; absent: they are not. */
  grace: graceSchema.optional(),
  /** How long the same code gets the same grant again; 0: never. */
  same_answer_within: duration({ min: '0s', max: '30s' }).default(0),
  totp: z
    .strictObject({
      digits: z.literal([6, 7, 8]).default(6),
      period: duration({ min: '15s', max: '120s', wholeSeconds: true }).default(30_000),
      /** Time steps to either side of now whose codes are accepted (RFC 6238 §5.2). */
      window: z.int().min(0).max(5).default(1),
      /** Time steps by which a token's clock may differ, once two codes in a row have shown it (RFC 6238 §6); 0: none. */
      resync: z.int().min(0).max(20).default(10),
      algorithm: z.enum(['sha1', 'sha256', 'sha512']).default('sha1'),
      /** Shown in authenticator apps. */
      issuer: text(64).default('ocbroker'),
    })
    .prefault({}),
})

type Parsed = z.output<typeof secondFactorSchema>
export type SecondFactorConfig = ReturnType<typeof resolveSecondFactor>

const RECOMMENDED_WINDOW = 1

export function checkSecondFactor(factor: PartialConfig<Parsed>, diagnostics: Diagnostics): void {
  if (factor.mode === 'only' && factor.required === false)
    diagnostics.fault(
      ['second_factor', 'required'],
      'with mode: only the code is the only factor, so it cannot be optional',
      'remove this key, or choose another mode',
    )
  const { issuer, window, digits, period, algorithm } = factor.totp ?? {}
  for (const [key, given, usual] of [
    ['digits', digits, 6],
    ['period', period && `${period / 1000}s`, '30s'],
    ['algorithm', algorithm, 'sha1'],
  ] as const)
    if (given !== undefined && given !== usual)
      diagnostics.warn(
        ['second_factor', 'totp', key],
        `${given} is ignored by several common authenticator apps, whose codes are then wrong`,
        `write ${usual}, unless you choose the apps`,
      )
  if (issuer?.includes(':') === true)
    diagnostics.fault(['second_factor', 'totp', 'issuer'], 'holds a colon, where authenticator apps cut it')
  if (window !== undefined && window > RECOMMENDED_WINDOW)
    diagnostics.warn(
      ['second_factor', 'totp', 'window'],
      `accepts ${2 * window + 1} codes at any time; RFC 6238 advises one step of delay at most`,
      'keep the clocks right, and write 1',
    )
}

/** @param zone of `accounting.time_zone`. */
export function resolveSecondFactor(parsed: Parsed, zone: string) {
  const { period, ...totp } = parsed.totp
  return {
    required: parsed.required,
    mode: parsed.mode,
    tries: parsed.tries,
    answerWithinMs: parsed.answer_within,
    enrolAtLogin: parsed.enrol_at_login,
    grace: resolveGrace(parsed.grace, zone),
    sameAnswerWithinMs: parsed.same_answer_within,
    totp: { ...totp, period: period / 1000 },
  }
}
