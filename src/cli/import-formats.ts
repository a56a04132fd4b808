import { isUtf8 } from 'node:buffer'
import { readFile, stat } from 'node:fs/promises'
import { messageOf, OperatorError } from '../domain/errors.ts'
import { readAuthenticatorFile, readHomes } from '../identity/import/authenticator-files.ts'
import type { Parsed } from '../identity/import/file-lines.ts'
import { parseGoogleAuthenticator } from '../identity/import/google-authenticator.ts'
import { parseHtpasswd } from '../identity/import/htpasswd.ts'
import type { ImportedToken } from '../identity/import/imported-token.ts'
import { parseOathCsv } from '../identity/import/oath-csv.ts'
import { parseOcpasswd } from '../identity/import/ocpasswd.ts'
import { parseOtpauth } from '../identity/import/otpauth.ts'
import { parseUsersOath } from '../identity/import/users-oath.ts'

const USERS = { ocpasswd: parseOcpasswd, htpasswd: parseHtpasswd }
const TOKENS = { oath: parseUsersOath, otpauth: parseOtpauth, 'oath-csv': parseOathCsv }
const HOMES = 'google-authenticator'

export type UserFormat = keyof typeof USERS
export type TokenFormat = keyof typeof TOKENS | typeof HOMES

export const FORMATS = [...Object.keys(USERS), ...Object.keys(TOKENS), HOMES]

export const FORMATS_HELP =
  "ocpasswd: ocserv's own users; htpasswd: Apache's; of authenticators, oath: liboath's users file; google-authenticator: a folder of homes with the PAM module's files, or one file with --user; otpauth: a URI a line, or exports of Google Authenticator; oath-csv: a table"

export function isUserFormat(format: string): format is UserFormat {
  return format in USERS
}

/** @throws OperatorError */
export async function readUsers(file: string, format: UserFormat): Promise<ReturnType<typeof parseOcpasswd>> {
  return USERS[format](await textOf(file))
}

/** @param user whose file it is, where the format does not say. @throws OperatorError */
export async function readTokens(
  path: string,
  format: TokenFormat,
  user: string | undefined,
): Promise<Parsed<ImportedToken>> {
  if (format === HOMES) return parseGoogleAuthenticator(await authenticatorFiles(path, user))
  if (user !== undefined) throw new OperatorError(`--user: the file itself names the users of ${format}`)
  return TOKENS[format](await textOf(path))
}

async function authenticatorFiles(path: string, user: string | undefined) {
  const isFolder = await readable(path, async () => (await stat(path)).isDirectory())
  if (isFolder && user !== undefined) throw new OperatorError('--user is for a single file, not for a folder')
  if (isFolder) return readable(path, () => readHomes(path))
  if (user === undefined) throw new OperatorError(`${path} does not name its user: --user NAME does`)
  return [await readAuthenticatorFile(path, user)]
}

async function textOf(file: string): Promise<string> {
  const octets = await readable(file, () => readFile(file))
  if (!isUtf8(octets)) throw new OperatorError(`${file} is not written in UTF-8`)
  return octets.toString('utf8')
}

/** @throws OperatorError */
async function readable<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    throw new OperatorError(`${path} cannot be read: ${messageOf(error)}`)
  }
}
