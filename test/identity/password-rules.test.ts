import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { passwordRules } from '../../src/identity/local/password-rules.ts'

const siteNames = ['ocbroker', 'Widgets VPN', 'vpn.widgets.example']
const beside = passwordRules({ secondFactorRequired: true, siteNames })
const alone = passwordRules({ secondFactorRequired: false, siteNames })
const faultOf = (password: string, { rules = beside, user = 'alice.smith' } = {}) =>
  rules(new Secret(password), user)

describe('a new password', () => {
  test('has at least 8 characters beside a second factor, and 15 without', async () => {
    expect(await faultOf('kX7 qvzt')).toBeUndefined()
    expect(await faultOf('kX7 qvz')).toBe(
      'has 7 characters, and 8 are the least beside a second factor: choose a longer one, such as several words',
    )
    expect(await faultOf('kX7 qvzt wpj mn', { rules: alone })).toBeUndefined()
    expect(await faultOf('kX7 qvzt wpj m', { rules: alone })).toMatch(
      /^has 14 characters, and 15 are the least without a second factor: /,
    )
    // Characters, not octets, and not those that a keyboard makes of one.
    expect(await faultOf('猫猫猫犬鳥魚木')).toMatch(/^has 7 characters/)
    expect(await faultOf('e\u0301kX7qv\u{1F408}')).toMatch(/^has 7 characters/)
  })

  test('fits what every gateway sends', async () => {
    const words = 'several words, '.repeat(7)
    expect(await faultOf(`${words}1234567`)).toBeUndefined()
    expect(await faultOf(`${words}12345678`)).toMatch(
      /^is longer than the 112 octets .*: choose a shorter one$/,
    )
  })

  test.each([
    'password1',
    'PASSWORD1',
    'Iloveyou',
    '1qaz2wsx',
    'ｐａｓｓｗｏｒｄ１',
    'trustno1',
    'abdominal',
  ])('is not %s, which many have', async (password) => {
    expect(await faultOf(password)).toBe(
      'is one of the most common, which are guessed first: choose another, such as several words',
    )
  })

  test.each(['aaaaaaaaaaaaaaaa', '1212121212121212', 'password1password1', 'DragonDragonDragon'])(
    'is not %s, one text over and over',
    async (password) => {
      expect(await faultOf(password, { rules: alone })).toMatch(/^is one text over and over: choose another/)
    },
  )

  test.each([
    'alice.smith',
    'AliceSmith2027!',
    'smith-alice-1',
    '!!alice!!alice!!',
    'WidgetsVPN',
    'widgets.example',
    'vpn4alice@widgets',
    'ocbroker',
    'OCbroker-2027',
  ])('is not %s, made of the name of the user or of the site', async (password) => {
    expect(await faultOf(password)).toBe(
      'is made of the name of the user or of the site: choose another, such as several words',
    )
  })

  test('may hold such names beside others, and a common password beside others', async () => {
    for (const password of ['alice likes green tea', 'password of my vpn', 'correct horse'])
      expect(await faultOf(password)).toBeUndefined()
    expect(await faultOf('alice.smith', { user: 'bob' })).toBeUndefined()
    // A mail address as a user's name: its words count, too.
    expect(await faultOf('bob-corp-1', { user: 'bob@corp.example' })).toMatch(/^is made of the name/)
  })

  test('needs no certain kinds of characters', async () => {
    for (const password of ['kqvztwpj', '8273645182', 'KQVZTWPJ', '密码学与网络安全'])
      expect(await faultOf(password)).toBeUndefined()
  })
})
