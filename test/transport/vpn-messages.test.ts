import { describe, expect, it } from 'vitest'
import { LOCALES } from '../../src/domain/locale.ts'
import { MESSAGES, type MessageKey, translator } from '../../src/i18n/messages.ts'
import { REFUSAL_MESSAGES } from '../../src/transport/reply.ts'

const KEYS = (Object.keys(MESSAGES.en) as MessageKey[]).filter((key) => key.startsWith('vpn.'))
/** Each placeholder that a VPN message has, with values that differ in what plurals make of them. */
const QUOTAS = [
  { of: 'user', measure: 'both', per: 'month' },
  { of: 'group', measure: 'down', per: '30d' },
  { of: 'user', measure: 'time', per: 'week' },
]
const VALUES = [1, 2, 60].map((count, index) => ({
  ...QUOTAS[index],
  amount: '999.9 GB',
  day: '2026-08-01',
  triesLeft: count,
  minutes: count,
  left: count,
  days: count,
  hours: count,
  page: 'https://vpn.example/enrol',
  code: 'ABCD-EFGH',
  number: '47',
  or: index === 0 ? 'nothing' : 'code',
  by: index === 0 ? 'day' : 'logins',
  where: index === 0 ? 'page' : 'nowhere',
  count,
  places: 'x'.repeat(135),
  gateway: 'gw1',
  time: '2026-01-15 09:12 UTC',
}))

describe.each(LOCALES)('the VPN messages in %s', (locale) => {
  const t = translator(locale)

  it('pass through the XML of ocserv unescaped and fit one attribute', () => {
    const broken = KEYS.flatMap((key) => VALUES.map((values) => t(key, values))).filter(
      (s) => /[&<>]/.test(s) || /^password:/i.test(s) || Buffer.byteLength(s) > 253 || s === '',
    )
    expect(broken).toEqual([])
  })

  it('fit one attribute with the longest page, and what the user reads of the password', () => {
    const approve = { page: `https://${'x'.repeat(56)}/approve`, number: '47', or: 'code' }
    const enrol = { page: `https://${'x'.repeat(56)}/enrol`, code: 'ABCD-EFGH' }
    const goOn = { day: '2026-08-01', left: 1000 }
    const prompts = [
      ...['day', 'logins'].map(
        (by) => `${t('vpn.enrolAgain', enrol)} ${t('vpn.enrolOrGoOn', { ...goOn, by })}`,
      ),
      ...['day', 'logins'].map((by) => t('vpn.grace', { ...goOn, by, page: enrol.page, where: 'page' })),
      `${t('vpn.password.grace', { left: 10 })} ${t('vpn.approve', approve)}`,
      `${t('vpn.password.expiresInHours', { hours: 47 })} ${t('vpn.approve', approve)}`,
      t('vpn.approveAgain', { ...approve, triesLeft: 4 }),
    ]
    expect(prompts.map((text) => Buffer.byteLength(text)).filter((octets) => octets > 253)).toEqual([])
  })

  it('differ at each stage, since ocserv takes the same prompt for a retry', () => {
    const prompts = [
      t('vpn.enterCode'),
      ...[1, 2].flatMap((triesLeft) => [t('vpn.wrongCode', { triesLeft }), t('vpn.usedCode', { triesLeft })]),
      t('vpn.approve', { page: '…', number: '47', or: 'code' }),
      ...[1, 2].map((triesLeft) => t('vpn.approveAgain', { triesLeft, page: '…', number: '47', or: 'code' })),
      ...[1, 2].map((triesLeft) => t('vpn.tooManySessions', { count: 2, places: '…', triesLeft })),
    ]
    expect(new Set(prompts).size).toBe(prompts.length)
  })

  it('do not tell a wrong password from an unknown, barred or disabled user', () => {
    const alike = ['bad_credentials', 'barred', 'wrong_code', 'malformed_request'] as const
    expect(new Set(alike.map((reason) => t(REFUSAL_MESSAGES[reason]))).size).toBe(1)
  })
})
