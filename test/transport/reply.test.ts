import { describe, expect, it } from 'vitest'
import type { Locale } from '../../src/domain/locale.ts'
import { refuse } from '../../src/domain/refusal.ts'
import { Attr, Code } from '../../src/radius/codes.ts'
import { replyTo } from '../../src/transport/reply.ts'

const messageTo = (refusal: ReturnType<typeof refuse>, tellLocked: boolean, locale: Locale = 'en') => {
  const { code, attributes } = replyTo(refusal, { locale, tellLocked })
  expect(code).toBe(Code.AccessReject)
  expect(attributes.map(({ type }) => type)).toEqual([Attr.ReplyMessage])
  return attributes[0]?.value.toString()
}

describe('the reject of a locked login', () => {
  const locked = refuse('locked', 'user (failures)', 61_000)
  const wrong = refuse('bad_credentials', 'wrong password')

  it('says that it is locked, and for how many minutes, rounded up', () => {
    expect(messageTo(locked, true)).toBe('Too many failed logins. Try again in 2 minutes.')
    expect(messageTo(locked, true, 'zh-CN')).toBe('登录失败次数过多，请在 2 分钟后重试。')
  })

  it('reads like a wrong password where users are not to be told', () => {
    expect(messageTo(locked, false)).toBe(messageTo(wrong, false))
    expect(messageTo(refuse('locked', 'user (hard_limit)'), false)).toBe(messageTo(wrong, false))
  })

  it('never shows the detail, which is for the operator', () => {
    for (const refusal of [locked, wrong])
      for (const tell of [true, false]) expect(messageTo(refusal, tell)).not.toContain(refusal.detail)
  })
})

describe('the reject of a user who is barred by a directory', () => {
  const barred = refuse('barred', 'corp: the password has expired (532)')

  it('reads like a wrong password, unless the state is to be told', () => {
    expect(messageTo(barred, true)).toBe(messageTo(refuse('bad_credentials', ''), true))
    const withState = { ...barred, tell: 'password_expired' } as const
    expect(messageTo(withState, true)).toBe('Your password has expired. Change it, then log in again.')
    expect(messageTo(withState, true, 'zh-CN')).toBe('您的密码已过期，请修改密码后重新登录。')
  })
})
