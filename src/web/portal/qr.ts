import { encode } from 'uqr'

/** A QR code (ISO/IEC 18004) for an inline SVG: the sides of the picture, and a path over its dark modules. */
export interface QrPicture {
  readonly size: number
  readonly path: string
}

/** The quiet zone that readers need, in modules. */
const BORDER = 4

export function qrPicture(text: string): QrPicture {
  const { size, data } = encode(text, { ecc: 'M', border: BORDER })
  return { size, path: data.map(rowPath).join('') }
}

/** Each run of dark modules of a row as one rectangle. */
function rowPath(row: readonly boolean[], y: number): string {
  let path = ''
  let start: number | undefined
  for (let x = 0; x <= row.length; x++) {
    if (row[x] === true) start ??= x
    else if (start !== undefined) {
      path += `M${start} ${y}h${x - start}v1H${start}z`
      start = undefined
    }
  }
  return path
}
