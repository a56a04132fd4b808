import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { LOCALES } from '../../src/domain/locale.ts'
import type { Invited } from '../../src/manage/inviting-many.ts'
import { SheetDocument } from '../../src/web/sheets/document.ts'
import { scanPng } from '../real/authenticator.ts'
import { BROWSER_NEEDS, type RealBrowser, startChromium } from '../real/chromium.ts'
import { temporaryFolder } from '../real/folder.ts'
import { describeWith } from '../real/needs.ts'
import { outputOf, thisMachine } from '../real/process.ts'

const SHEETS = 200
const PORTAL = 'https://vpn.example.org'
/** Each of them is made alike, and to make a picture of a page takes a while. */
const SCANNED = [1, 100, SHEETS]
const LETTERS = 'abcdefghjkmnpqrstuvwxyz23456789'

function invited(index: number): Invited {
  const name = `user-${String(index).padStart(3, '0')}`
  const part = (shift: number) =>
    Array.from(
      { length: 4 },
      (_, at) => LETTERS[(index * (at + shift) + Math.floor(index / LETTERS.length) * at) % LETTERS.length],
    ).join('')
  const code = [1, 6, 11, 16].map(part).join('-')
  const until = Date.UTC(2027, 1, 1 + (index % 28), 12)
  return { name, subject: name, code, until, link: `${PORTAL}/enrol?name=${name}` }
}

describeWith([...BROWSER_NEEDS, 'pdftotext', 'pdftoppm'], '200 sheets as a browser prints them', () => {
  const resources = new AsyncDisposableStack()
  let browser: RealBrowser
  beforeAll(async () => {
    browser = await startChromium()
    resources.defer(browser.close)
  })
  afterAll(() => resources.disposeAsync())

  test.each(LOCALES)(
    'have a page each, with name, link, code, end, and a QR code that a camera reads (%s)',
    async (locale) => {
      const folder = temporaryFolder('sheets')
      const all = Array.from({ length: SHEETS }, (_, index) => invited(index))
      const sheets = new SheetDocument({ service: 'Example VPN', locale, perPage: 1 })
      const [html, pdf] = [folder.file('sheets.html'), folder.file('sheets.pdf')]
      writeFileSync(html, [sheets.head, ...all.map((each) => sheets.leafOf([each])), sheets.foot].join(''))
      const { page, leave } = await browser.visit(`file://${html}`)
      try {
        await page.goto(`file://${html}`)
        await page.pdf({ path: pdf, format: 'A4' })
      } finally {
        await leave()
      }
      const pages = (await outputOf(thisMachine, 'pdftotext', ['-layout', pdf, '-'])).split('\f').slice(0, -1)
      expect(pages).toHaveLength(SHEETS)
      const together = pages.map((text) => text.replaceAll(/\s+/g, ''))
      for (const [index, { name, code, until, link = '' }] of all.entries()) {
        const said = together[index] ?? ''
        const day = new Date(until).getUTCDate()
        expect([name, said.includes(name), said.includes(code), said.includes(link)]).toEqual([
          ...[name, true, true, true],
        ])
        expect([name, said]).toEqual([
          name,
          expect.stringMatching(locale === 'en' ? `${day}Feb2027` : `2027年2月${day}日`),
        ])
        expect([name, together.filter((text) => text.includes(code)).length]).toEqual([name, 1])
      }
      for (const number of SCANNED) {
        const picture = folder.file(`page-${number}`)
        const range = ['-f', String(number), '-l', String(number)]
        await outputOf(thisMachine, 'pdftoppm', ['-png', '-r', '100', '-singlefile', ...range, pdf, picture])
        const { link } = invited(number - 1)
        expect(scanPng(readFileSync(`${picture}.png`))).toBe(link)
      }
      await folder.remove()
    },
    180_000,
  )
})
