import { renderUnicodeCompact } from 'uqr'
import type { Line } from './output.ts'

/** White blocks on black by number (256 colours): names of colours are what a terminal's theme makes of them. */
const WHITE_ON_BLACK = '\x1b[38;5;231;48;5;16m'
const RESET = '\x1b[0m'

/**
 * A QR code in lines of text. Its light parts are blocks in the colour of the text, so on a light terminal it would be
 * inverted, which many apps do not read: at a terminal both colours are set.
 */
export function qrLines(text: string, isTerminal: boolean): Line[] {
  const lines = renderUnicodeCompact(text, { border: 2 }).split('\n')
  return isTerminal ? lines.map((line) => ({ drawn: `${WHITE_ON_BLACK}${line}${RESET}` })) : lines
}
