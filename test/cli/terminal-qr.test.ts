import { encode } from 'uqr'
import { expect, test } from 'vitest'
import { qrLines } from '../../src/cli/terminal-qr.ts'

const URI = 'otpauth://totp/VPN:alice?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=VPN'
const WHITE = 231
const BLACK = 16

/** Rows of modules, dark where black is shown, whatever the colours of the terminal are. */
function shown(lines: readonly string[]): boolean[][] {
  return lines.flatMap((line) => {
    const [, text, background, drawn = '', end] =
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the terminal's own language
      /^\x1b\[38;5;(\d+);48;5;(\d+)m(.*)(\x1b\[0m)$/u.exec(line) ?? []
    expect([Number(text), Number(background), end]).toEqual([WHITE, BLACK, '\x1b[0m'])
    const signs = [...drawn]
    return [
      signs.map((sign) => sign === ' ' || sign === '▄'),
      signs.map((sign) => sign === ' ' || sign === '▀'),
    ]
  })
}

test('a QR code at a terminal sets both of its colours', () => {
  const lines = qrLines(URI, true).map((line) => (typeof line === 'string' ? line : line.drawn))
  const { data, size } = encode(URI, { border: 2 })
  expect(shown(lines).slice(0, size)).toEqual(data)
})

test('elsewhere it is text without colours', () => {
  expect(qrLines(URI, false).join('')).toMatch(/^[ ▀▄█]+$/)
})
