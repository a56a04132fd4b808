import { BadLine, linesIn, nameIn, type Parsed, type Place, readEach } from './file-lines.ts'
import {
  algorithmIn,
  counterIn,
  digitsIn,
  type ImportedToken,
  kindIn,
  periodIn,
  seedOfBase32,
  tokenKey,
} from './imported-token.ts'
import { accountsOfExport, type ExportedAccount } from './otpauth-export.ts'

interface UriAt extends Place {
  readonly of: string | ExportedAccount | BadLine
}

const EXPORT = /^otpauth-migration:\/\/offline\/?\?data=([^&#\s]+)$/i

/**
 * Reads a file with an authenticator's URI a line, `otpauth://totp/ISSUER:NAME?secret=…`, or a line for the several
 * accounts of one export of Google Authenticator, `otpauth-migration://offline?data=…`.
 */
export function parseOtpauth(text: string): Parsed<ImportedToken> {
  const places = linesIn(text).flatMap(({ line, content }): UriAt[] => {
    const [, data] = EXPORT.exec(content.trim()) ?? []
    if (data === undefined) return [{ line, of: content.trim() }]
    try {
      const accounts = accountsOfExport(decoded(data))
      return accounts.map((of, index) => ({ line, place: `line ${line}, account ${index + 1}`, of }))
    } catch (error) {
      if (error instanceof BadLine) return [{ line, of: error }]
      throw error
    }
  })
  return readEach(
    places,
    ({ of }) => {
      if (of instanceof BadLine) throw of
      return typeof of === 'string' ? ofUri(of) : ofAccount(of)
    },
    tokenKey,
  )
}

/** @throws BadLine */
function ofUri(text: string): ImportedToken {
  const url = URL.parse(text)
  if (url === null || url.protocol !== 'otpauth:')
    throw new BadLine('the line is not of the form otpauth://totp/NAME?secret=KEY')
  const kind = kindIn(url.host)
  const fields = url.searchParams
  const field = (name: string, usual: string) => fields.get(name) ?? usual
  const counter = fields.get('counter')
  if (kind === 'hotp' && counter === null) throw new BadLine('there is no counter')
  return {
    name: nameInLabel(decoded(url.pathname.replace(/^\//, '')), fields.get('issuer') ?? undefined),
    kind,
    seed: seedOfBase32(field('secret', '')),
    digits: digitsIn(field('digits', '6')),
    period: periodIn(field('period', '30')),
    algorithm: algorithmIn(field('algorithm', 'SHA1')),
    lastStep: kind === 'hotp' ? counterIn(counter ?? '') - 1 : -1,
  }
}

/** @throws BadLine */
function ofAccount({ label, counter, ...token }: ExportedAccount): ImportedToken {
  return {
    ...token,
    name: nameInLabel(label),
    period: 30,
    lastStep: token.kind === 'hotp' ? counterIn(String(counter)) - 1 : -1,
  }
}

/** @param label `ISSUER:NAME` or `NAME`; a name may have colons where the issuer is known. @throws BadLine */
function nameInLabel(label: string, issuer?: string): string {
  const start =
    issuer !== undefined && label.startsWith(`${issuer}:`) ? issuer.length : label.lastIndexOf(':')
  return nameIn(label.slice(start + 1).trim())
}

/** @throws BadLine */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new BadLine('a % in the line is followed by what is no octet')
  }
}
