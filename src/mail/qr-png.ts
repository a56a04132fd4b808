import { crc32, deflateSync } from 'node:zlib'
import { encode } from 'uqr'

/** Pixels of a module: sharp on a screen, and a link is a picture of some 250 pixels. */
const SCALE = 6
/** The quiet zone that readers need, in modules. */
const BORDER = 4
const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')

/** A QR code as PNG (ISO/IEC 15948), one bit a pixel: mail programs show no SVG. */
export function qrPng(text: string): Buffer {
  const { size, data } = encode(text, { ecc: 'M', border: BORDER })
  const pixels = size * SCALE
  const header = Buffer.alloc(13)
  header.writeUInt32BE(pixels, 0)
  header.writeUInt32BE(pixels, 4)
  // One bit a pixel, grey.
  header.writeUInt8(1, 8)
  const rows = data.flatMap((row) => Array.from({ length: SCALE }, () => rowOf(row, pixels)))
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(rows))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** An octet for the filter, none, and the pixels: a 1 is white. */
function rowOf(row: readonly boolean[], pixels: number): Buffer {
  const octets = Buffer.alloc(1 + Math.ceil(pixels / 8))
  for (let x = 0; x < pixels; x++)
    if (row[Math.floor(x / SCALE)] !== true) octets[1 + (x >> 3)]! |= 0x80 >> (x & 7)
  return octets
}

function chunk(type: string, content: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), content])
  const whole = Buffer.alloc(named.length + 8)
  whole.writeUInt32BE(content.length, 0)
  named.copy(whole, 4)
  whole.writeUInt32BE(crc32(named), named.length + 4)
  return whole
}
