import { describe, expect, it } from 'vitest'
import type { RefusalReason } from '../../src/domain/refusal.ts'
import { WORDS } from '../../src/domain/words.ts'

const REASONS: Record<RefusalReason, true> = {
  malformed_request: true,
  rate_limited: true,
  locked: true,
  bad_credentials: true,
  barred: true,
  no_second_factor: true,
  wrong_code: true,
  code_used: true,
  challenge_expired: true,
  challenge_mismatch: true,
  no_policy: true,
  no_address: true,
  unavailable: true,
}
const reasons = Object.keys(REASONS) as RefusalReason[]

describe.each(Object.entries(WORDS))('the words in %s', (_locale, words) => {
  const sentences = [
    words.enterCode,
    ...[1, 2, 3].flatMap((left) => [words.wrongCode(left), words.usedCode(left)]),
    ...reasons.flatMap((reason) => [undefined, 1, 60].map((minutes) => words.refused(reason, minutes))),
    ...Object.values(words.barred),
  ]

  it('pass through the XML of ocserv unescaped and fit one attribute', () => {
    const broken = sentences.filter(
      (s) => /[&<>]/.test(s) || /^password:/i.test(s) || Buffer.byteLength(s) > 253 || s === '',
    )
    expect(broken).toEqual([])
  })

  it('differ at each stage, since ocserv takes the same prompt for a retry', () => {
    const prompts = [
      words.enterCode,
      ...[1, 2].flatMap((left) => [words.wrongCode(left), words.usedCode(left)]),
    ]
    expect(new Set(prompts).size).toBe(prompts.length)
  })

  it('do not tell a wrong password from an unknown, barred or disabled user', () => {
    const alike: RefusalReason[] = ['bad_credentials', 'barred', 'wrong_code', 'malformed_request']
    expect(new Set(alike.map((reason) => words.refused(reason, undefined))).size).toBe(1)
  })
})
