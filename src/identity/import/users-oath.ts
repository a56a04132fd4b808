import { BadLine, nameIn, type Parsed, readLines } from './file-lines.ts'
import { counterIn, type ImportedToken, seedOfHex } from './imported-token.ts'

const TYPE = /^HOTP(?:\/(E|T30|T60)(?:\/([678]))?)?$/

/**
 * Reads liboath's file of users, `type name pin seed [counter [last code [time]]]`, fields apart by blanks. The counter
 * is the next one to be used, or, if a last code follows it, the one of that code.
 */
export function parseUsersOath(text: string): Parsed<ImportedToken> {
  return readLines(text, (line) => {
    const [type = '', typed = '', pin, hex, counter, lastCode] = line.trim().split(/\s+/)
    const shape = shapeOf(type)
    const name = nameIn(typed)
    if (pin === undefined || hex === undefined)
      throw new BadLine('the line is not of the form type name pin seed')
    if (pin !== '-' && pin !== '+')
      throw new BadLine('there is a PIN, which the broker does not ask for; write - in its place')
    const used = counterIn(counter ?? '0') - (lastCode === undefined || lastCode === '-' ? 1 : 0)
    return { name, ...shape, seed: seedOfHex(hex), lastStep: shape.kind === 'hotp' ? used : -1 }
  })
}

/** @throws BadLine */
function shapeOf(type: string): Pick<ImportedToken, 'kind' | 'digits' | 'period' | 'algorithm'> {
  const match = TYPE.exec(type)
  if (match === null) {
    throw new BadLine(
      type.startsWith('OCRA')
        ? 'OCRA tokens are not taken'
        : 'the type is none of HOTP, HOTP/E/6, HOTP/T30, HOTP/T60 and the like',
    )
  }
  const [, movingFactor, digits = '6'] = match
  const counts = movingFactor === undefined || movingFactor === 'E'
  return {
    kind: counts ? 'hotp' : 'totp',
    digits: Number(digits),
    period: movingFactor === 'T60' ? 60 : 30,
    algorithm: 'sha1',
  }
}
