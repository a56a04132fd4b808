import { BadLine, nameIn, type Parsed, type Place, readEach } from './file-lines.ts'
import { counterIn, type ImportedToken, periodIn, seedOfBase32 } from './imported-token.ts'

/** A user's file, or why it was not read. */
export interface AuthenticatorFile extends Place {
  readonly user: string
  readonly content: string | BadLine
}

const DIGITS = 6
const PERIOD_S = 30

/**
 * Reads files of google-authenticator(1), the PAM module: the seed in base32, lines of options that begin with `" `, and
 * scratch codes. The options that limit logins and codes are left to the broker's own limits.
 */
export function parseGoogleAuthenticator(files: readonly AuthenticatorFile[]): Parsed<ImportedToken> {
  return readEach(files, ({ user, content }) => {
    if (content instanceof BadLine) throw content
    return { name: nameIn(user), ...tokenIn(content) }
  })
}

/** @throws BadLine */
function tokenIn(text: string): Omit<ImportedToken, 'name'> {
  const [first = '', ...lines] = text.split(/\r?\n/).map((line) => line.trimEnd())
  const options = new Map<string, string>()
  for (const line of lines) {
    const [, name, value = ''] = /^" ([A-Z_0-9]+)(?: (.*))?$/.exec(line) ?? []
    if (name !== undefined) options.set(name, value)
  }
  const counter = options.get('HOTP_COUNTER')
  if (counter === undefined && !options.has('TOTP_AUTH'))
    throw new BadLine(
      'there is neither TOTP_AUTH nor HOTP_COUNTER: this is not a file of google-authenticator',
    )
  const seed = seedOfBase32(first)
  const period = periodIn(options.get('STEP_SIZE') ?? String(PERIOD_S))
  const scratchCodes = lines.filter((line) => /^\d{8}$/.test(line))
  const common = { seed, digits: DIGITS, period, algorithm: 'sha1', scratchCodes } as const
  return counter === undefined
    ? { ...common, kind: 'totp', lastStep: -1, driftMs: skewIn(options.get('TIME_SKEW')) * period * 1000 }
    : { ...common, kind: 'hotp', lastStep: counterIn(counter) - 1 }
}

/** How many steps the user's clock is ahead. @throws BadLine */
function skewIn(text = '0'): number {
  if (!/^-?\d{1,4}$/.test(text)) throw new BadLine('TIME_SKEW is not a number of steps')
  return Number(text)
}
