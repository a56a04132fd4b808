import { OperatorError } from '../domain/errors.ts'
import { systemRandom } from '../domain/random.ts'
import { type ExportedToken, NotExportable } from '../identity/export/exported-token.ts'
import { authenticatorFile } from '../identity/export/google-authenticator.ts'
import { OATH_CSV_HEAD, oathCsvLine } from '../identity/export/oath-csv.ts'
import { otpauthLine } from '../identity/export/otpauth.ts'
import { keyContainer } from '../identity/export/pskc.ts'
import { pskcKeyFrom } from './import-formats.ts'

export const EXPORT_FORMATS = ['otpauth', 'oath-csv', 'pskc', 'google-authenticator'] as const

export type ExportFormat = (typeof EXPORT_FORMATS)[number]
export type TextFormat = Exclude<ExportFormat, 'google-authenticator'>

/** By folder and file. */
type Files = ReadonlyMap<readonly [folder: string, file: string], string>

export type MadeExport = { readonly text: string } | { readonly files: Files }

/** @param issuer the name that apps show; @param keyFile holds the key that encrypts a container. @throws OperatorError */
export async function textIn(
  format: TextFormat,
  tokens: readonly ExportedToken[],
  issuer: string,
  keyFile: string | undefined,
): Promise<string> {
  if (format === 'pskc')
    return keyContainer(
      tokens,
      issuer,
      systemRandom,
      keyFile === undefined ? undefined : await pskcKeyFrom(keyFile),
    )
  const lines =
    format === 'otpauth'
      ? tokens.map((token) => otpauthLine(token, issuer))
      : [OATH_CSV_HEAD, ...tokens.map(oathCsvLine)]
  return `${lines.join('\n')}\n`
}

/** A home for each user, with the PAM module's file. @throws OperatorError with all tokens that have no such file. */
export function homesIn(tokens: readonly ExportedToken[]): Files {
  const files = new Map<readonly [string, string], string>()
  const faults: string[] = []
  const users = new Set<string>()
  for (const token of tokens) {
    try {
      if (/^\.\.?$|\//.test(token.name)) throw new NotExportable('no folder can have this name')
      if (users.has(token.name))
        throw new NotExportable('a home holds one authenticator, and the user has several')
      users.add(token.name)
      files.set([token.name, '.google_authenticator'], authenticatorFile(token))
    } catch (error) {
      if (!(error instanceof NotExportable)) throw error
      faults.push(`${token.name}: ${error.message}`)
    }
  }
  if (faults.length > 0) throw new OperatorError(faults.join('\n'))
  return files
}
