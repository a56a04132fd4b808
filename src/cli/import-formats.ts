import { isUtf8 } from 'node:buffer'
import { readFile, stat } from 'node:fs/promises'
import { messageOf, OperatorError } from '../domain/errors.ts'
import { Secret } from '../domain/secret.ts'
import { readAuthenticatorFile, readHomes } from '../identity/import/authenticator-files.ts'
import type { Parsed } from '../identity/import/file-lines.ts'
import { parseFreeIpa } from '../identity/import/freeipa.ts'
import { parseGoogleAuthenticator } from '../identity/import/google-authenticator.ts'
import { parseHtpasswd } from '../identity/import/htpasswd.ts'
import type { ImportedToken } from '../identity/import/imported-token.ts'
import { parseOathCsv } from '../identity/import/oath-csv.ts'
import { parseOcpasswd } from '../identity/import/ocpasswd.ts'
import { parseOtpauth } from '../identity/import/otpauth.ts'
import { parsePskc } from '../identity/import/pskc.ts'
import { parseUsersOath } from '../identity/import/users-oath.ts'

const USERS = { ocpasswd: parseOcpasswd, htpasswd: parseHtpasswd }
const TOKENS = {
  oath: parseUsersOath,
  otpauth: parseOtpauth,
  'oath-csv': parseOathCsv,
  freeipa: parseFreeIpa,
}
const HOMES = 'google-authenticator'
const CONTAINER = 'pskc'

export type UserFormat = keyof typeof USERS
export type TokenFormat = keyof typeof TOKENS | typeof HOMES | typeof CONTAINER

export const FORMATS = [...Object.keys(USERS), ...Object.keys(TOKENS), HOMES, CONTAINER]

export const FORMATS_HELP =
  "ocpasswd: ocserv's own users; htpasswd: Apache's; of authenticators, oath: liboath's users file; google-authenticator: a folder of homes with the PAM module's files, or one file with --user; otpauth: a URI a line, or exports of Google Authenticator; oath-csv: a table; freeipa: tokens in LDIF; pskc: a key container of RFC 6030"

export function isUserFormat(format: string): format is UserFormat {
  return format in USERS
}

/** @throws OperatorError */
export async function readUsers(file: string, format: UserFormat): Promise<ReturnType<typeof parseOcpasswd>> {
  return USERS[format](await textOf(file))
}

/** What the file itself does not say. */
export interface TokenOptions {
  /** Whose file it is. */
  readonly user?: string
  /** The file with the key that encrypts the seeds, in hexadecimal. */
  readonly keyFile?: string
}

/** @throws OperatorError */
export async function readTokens(
  path: string,
  format: TokenFormat,
  { user, keyFile }: TokenOptions,
): Promise<Parsed<ImportedToken>> {
  if (user !== undefined && format !== HOMES)
    throw new OperatorError(`--user: the file itself names the users of ${format}`)
  if (keyFile !== undefined && format !== CONTAINER)
    throw new OperatorError(`--key-file: the seeds of ${format} are not encrypted`)
  if (format === HOMES) return parseGoogleAuthenticator(await authenticatorFiles(path, user))
  if (format !== CONTAINER) return TOKENS[format](await textOf(path))
  return parsePskc(await textOf(path), keyFile === undefined ? undefined : await keyIn(keyFile))
}

/** @throws OperatorError */
async function keyIn(file: string): Promise<Secret> {
  const hex = (await textOf(file)).replaceAll(/\s/g, '')
  if (/^(?:[0-9a-f]{32}|[0-9a-f]{48}|[0-9a-f]{64})$/i.test(hex)) return new Secret(Buffer.from(hex, 'hex'))
  throw new OperatorError(`${file} holds no key of 128, 192 or 256 bits in hexadecimal`)
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
