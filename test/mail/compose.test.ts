import jsQR from 'jsqr'
import { PNG } from 'pngjs'
import { describe, expect, test } from 'vitest'
import { LOCALES, localeIn } from '../../src/domain/locale.ts'
import { type MailContent, NOTICE_KINDS } from '../../src/domain/mail.ts'
import { isMailAddress } from '../../src/domain/mail-address.ts'
import { codeLink } from '../../src/domain/readable-code.ts'
import { compose, composeTest } from '../../src/mail/compose.ts'
import { mailOptions } from '../../src/mail/encode.ts'
import { NotTaken } from '../../src/mail/outlet.ts'
import { rawMail } from '../../src/mail/raw-mail.ts'

const NOON = Date.UTC(2026, 0, 15, 12)
const OPTIONS = {
  from: { name: 'Example VPN', address: 'vpn@example.org' },
  service: 'Example VPN',
  publicUrl: 'https://vpn.example.org',
  help: { text: 'Service desk', mail: 'help@example.org' },
  timeZone: 'Asia/Shanghai',
}
const CODE = 'abcd-efgh-jkmn-pqrs'
const mail = (kind: (typeof NOTICE_KINDS)[number] | 'invitation') => ({
  ...{ id: 'f00d', kind, to: 'ada@example.org', createdAt: NOON },
})
const content = (more: Partial<MailContent> = {}): MailContent => ({
  ...{ locale: 'en', name: 'ada', at: NOON, address: '192.0.2.7' },
  ...more,
})

describe('an invitation', () => {
  const letter = compose(mail('invitation'), content({ code: CODE }), OPTIONS)
  const link = `https://vpn.example.org/enrol?name=ada#${CODE}`

  test('has its code in the link, behind the mark that no server sees, and in the QR code', () => {
    expect(letter.text).toContain(`\n${link}\n`)
    expect(letter.html).toContain(`href="${link}"`)
    const [picture] = letter.pictures
    const { data, width, height } = PNG.sync.read(picture?.png ?? Buffer.alloc(0))
    expect(jsQR.default(new Uint8ClampedArray(data), width, height)?.data).toBe(link)
    expect(letter.html).toContain(`src="cid:${picture?.cid}"`)
    expect(letter.subject).not.toContain(CODE)
  })

  test('writes times in the zone of the site', () => {
    expect(letter.text).toMatch(/until 15 January 2026.* 20:00 GMT\+8/)
  })

  test('keeps a name from ending its link', () => {
    const name = 'a&b#c"><script>'
    expect(codeLink('https://x', '/enrol', name, CODE)).toBe(
      `https://x/enrol?name=a%26b%23c%22%3E%3Cscript%3E#${CODE}`,
    )
    expect(compose(mail('invitation'), content({ name, code: CODE }), OPTIONS).html).not.toContain('<script>')
  })
})

describe.each(LOCALES)('in %s', (locale) => {
  test.each(NOTICE_KINDS)('%s says what happened, and holds no secret', (kind) => {
    // Whatever is handed in beside what is shown: an invitation's code does not belong into a notice.
    const letter = compose(mail(kind), content({ locale, code: CODE, isLast: true }), OPTIONS)
    for (const part of [letter.subject, letter.text, letter.html]) {
      expect(part).not.toContain(CODE)
      expect(part).not.toMatch(/otpauth|\{\w+\}|undefined/)
    }
    expect(letter.pictures).toEqual([])
    expect(letter.text).toContain('https://vpn.example.org/\n')
    expect(letter.text).toContain('help@example.org')
    const hasAddress = !kind.endsWith('_ends')
    expect(letter.text.includes('192.0.2.7')).toBe(hasAddress)
    const without = compose(mail(kind), content({ locale, address: undefined }), OPTIONS)
    expect(without.text).not.toMatch(/192\.0\.2\.7|isLast/)
    expect(without.text.length).toBeLessThan(letter.text.length)
  })

  test('the test mail is in that language', () => {
    const letter = composeTest({ id: 'a', to: 'ada@example.org', date: new Date(NOON) }, locale, OPTIONS)
    expect(letter.subject).toMatch(locale === 'en' ? /test mail/ : /测试邮件/)
  })
})

test('a mail is the same mail in every try', async () => {
  const letter = compose(mail('locked'), content(), OPTIONS)
  const headersOf = async () => (await rawMail(letter)).toString()
  const raw = await headersOf()
  expect(raw).toContain('Message-ID: <f00d@example.org>')
  expect(raw).toContain('Date: Thu, 15 Jan 2026 12:00:00 +0000')
  expect(raw).toContain('Auto-Submitted: auto-generated')
  expect(raw).toMatch(/^To: ada@example\.org$/m)
  expect(await headersOf()).toContain('Message-ID: <f00d@example.org>')
})

describe('headers', () => {
  const letter = compose(mail('locked'), content(), OPTIONS)
  test.each([
    'ada@example.org\r\nBcc: all@example.org',
    'ada@example.org, bob@example.org',
    '"a b"@x',
    'x',
    '',
  ])('are not for %j', (to) => {
    expect(isMailAddress(to)).toBe(false)
    expect(() => mailOptions({ ...letter, to })).toThrow(NotTaken)
  })

  test('hold one line each', () => {
    expect(() => mailOptions({ ...letter, subject: 'a\r\nBcc: all@example.org' })).toThrow(NotTaken)
    const name = 'VPN\nBcc: all@example.org'
    expect(() => mailOptions({ ...letter, from: { name, address: 'a@example.org' } })).toThrow(NotTaken)
  })
})

test.each(['ada@example.org', 'a.b+c@sub.example.org', "o'neil@example.org", '用户@例子.中国'])(
  '%s is an address',
  (text) => {
    expect(isMailAddress(text)).toBe(true)
  },
)

test.each([
  ['zh-CN', 'zh-CN'],
  ['zh-Hans, en;q=0.5', 'zh-CN'],
  ['de, en', 'en'],
  ['EN-us', 'en'],
  ['de', undefined],
  ['', undefined],
])('preferredLanguage %j is %s', (list, locale) => {
  expect(localeIn(list)).toBe(locale)
})
