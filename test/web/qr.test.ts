import jsQR from 'jsqr'
import { expect, test } from 'vitest'
import { qrPicture } from '../../src/web/portal/qr.ts'

const SCALE = 4

/** Draws the picture's rectangles, and nothing else, as white and black dots. */
function drawn(path: string, size: number): Uint8ClampedArray {
  const side = size * SCALE
  const dots = new Uint8ClampedArray(side * side * 4).fill(255)
  for (const [, x = '', y = '', width = ''] of path.matchAll(/M(\d+) (\d+)h(\d+)v1H\d+z/g)) {
    for (let row = Number(y) * SCALE; row < (Number(y) + 1) * SCALE; row++) {
      for (let column = Number(x) * SCALE; column < (Number(x) + Number(width)) * SCALE; column++)
        dots.fill(0, (row * side + column) * 4, (row * side + column) * 4 + 3)
    }
  }
  return dots
}

test.each([
  'otpauth://totp/ocbroker:alice?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=ocbroker&digits=6&period=30',
  `otpauth://totp/Example%20VPN:${encodeURIComponent('用户@example.org')}?secret=JBSWY3DPEHPK3PXP`,
  'a'.repeat(253),
])('a QR code is read back as it was written: %s', (text) => {
  const { size, path } = qrPicture(text)
  const side = size * SCALE
  expect(jsQR.default(drawn(path, size), side, side)?.data).toBe(text)
  // Around it the four modules of quiet that ISO/IEC 18004 asks for.
  const columns = [...path.matchAll(/M(\d+) (\d+)h(\d+)/g)].flatMap(([, x, y, width]) => [
    Number(x),
    Number(y),
    size - Number(x) - Number(width),
    size - 1 - Number(y),
  ])
  expect(Math.min(...columns)).toBe(4)
})
