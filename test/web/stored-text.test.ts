import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { storedText } from '../../src/web/layout/stored-text.ts'

const SOURCE = join(import.meta.dirname, '../../src')

describe('a text from the records', () => {
  test.each([
    ['local: wrong password', 'local: wrong password', 'local：密码错误'],
    [
      'wrong code: right on a clock 3 m ahead, SHA-256 in the app, 8 digits in the app, typed as una',
      'wrong code: right on a clock 3 minutes ahead, SHA-256 in the app, 8 digits in the app, typed as una',
      '验证码错误：按快 3 分钟的时钟则正确，应用使用的是 SHA-256，应用显示的是 8 位验证码，输入的用户名：una',
    ],
    [
      '5 failed logins of this user from this address within 600 s',
      '5 failed logins of this user from this address within 10 minutes',
      '10 分钟内该用户从此地址登录失败 5 次',
    ],
    ['policy staff, corp, totp', 'policy staff, corp, totp', '策略 staff，corp，验证码'],
    [
      'signed in, enrolment ticket from invitation, none',
      'signed in, enrolment ticket from invitation, none',
      '登录网站，绑定凭据来自邀请，无',
    ],
    [
      'corp: the password has expired (532)',
      'corp: the password has expired (532)',
      'corp：密码已过期（532）',
    ],
    [
      'user_address (failures, 0192-7d25)',
      'user_address (failures, 0192-7d25)',
      '锁定范围：用户（单一地址），原因：登录失败（0192-7d25）',
    ],
    [
      'new password, groups staff: ticket 4711',
      'new password, groups staff: ticket 4711',
      '新密码，组 staff：ticket 4711',
    ],
    [
      'has 5 characters, and 8 are the least beside a second factor: choose a longer one, such as several words',
      'has 5 characters, and 8 are the least beside a second factor: choose a longer one, such as several words',
      '只有 5 个字符，使用第二因素时至少需要 8 个：请换一个更长的密码，例如多个词',
    ],
    [
      '12 refused sign-ins: at the portal',
      '12 refused sign-ins: at the portal',
      '12 次登录被拒绝：在门户网站',
    ],
    ['User-Request', 'User-Request', '用户主动断开'],
    ['ada (web)', 'ada (web)', 'ada（网页）'],
    [
      'something that nobody has translated',
      'something that nobody has translated',
      'something that nobody has translated',
    ],
  ])('%s is shown in both languages', (stored, english, chinese) => {
    expect(storedText(stored, 'en')).toBe(english)
    expect(storedText(stored, 'zh-CN')).toBe(chinese)
  })
})

test.each([
  ['user locked until 2026-13-99TxZ: my reason', 'my reason'],
  [`5 failed logins of this user within ${'9'.repeat(30)} h`, `${'9'.repeat(30)} h`],
])('%s only looks like such a text and is shown all the same', (stored, end) => {
  expect(storedText(stored, 'en')).toContain(end)
  expect(storedText(stored, 'zh-CN')).toContain(end)
})

test.each([
  ['many parts', 'a: '],
  ['many ends', ' (abc)'],
])('of a text of %s only so many are looked at, and nothing is lost', (_, part) => {
  const shown = storedText(`x${part.repeat(5000)}`, 'zh-CN')
  expect(shown.split(part).length).toBeGreaterThan(4900)
})

test('each fixed detail in the code has a message `stored.*` in locales/', () => {
  const files = globSync('{http,identity,login,manage,transport}/**/*.ts', { cwd: SOURCE })
  const code = files.map((file) => readFileSync(join(SOURCE, file), 'utf8')).join('\n')
  const details = [...code.matchAll(/(?:\brefuse\(\s*'\w+',|\bdetail:|\bbarred\()\s*'([^']+)'/g)]
    .map(([, detail = '']) => detail)
    // Details of an HTTP problem are sentences; they go to API clients.
    .filter((detail) => !detail.endsWith('.'))
  expect(details.length).toBeGreaterThan(20)
  expect(details.filter((detail) => storedText(detail, 'zh-CN') === detail)).toEqual([])
})
