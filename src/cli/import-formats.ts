import { isUtf8 } from 'node:buffer'
import { readFile, stat } from 'node:fs/promises'
import { messageOf, OperatorError } from '../domain/errors.ts'
import type { Secret } from '../domain/secret.ts'
import { readAuthenticatorFile, readHomes } from '../identity/import/authenticator-files.ts'
import { fernetKeyIn } from '../identity/import/fernet.ts'
import { BadLine, type Parsed, placeWords } from '../identity/import/file-lines.ts'
import { parseFreeIpa } from '../identity/import/freeipa.ts'
import { parseGoogleAuthenticator } from '../identity/import/google-authenticator.ts'
import { parseHtpasswd } from '../identity/import/htpasswd.ts'
import type { ImportedToken } from '../identity/import/imported-token.ts'
import { linOtpKeyIn, parseLinOtp } from '../identity/import/linotp.ts'
import { parseOathCsv } from '../identity/import/oath-csv.ts'
import { parseOcpasswd } from '../identity/import/ocpasswd.ts'
import { parseOtpauth } from '../identity/import/otpauth.ts'
import { type Owners, ownersIn } from '../identity/import/owners.ts'
import { parsePrivacyIdea } from '../identity/import/privacyidea.ts'
import { parsePskc } from '../identity/import/pskc.ts'
import { PSKC_KEY_WORDS, pskcKeyIn } from '../identity/import/pskc-encryption.ts'
import { parseUsersOath } from '../identity/import/users-oath.ts'

const USERS = { ocpasswd: parseOcpasswd, htpasswd: parseHtpasswd }

/** What comes beside the file: the octets of the key file, and whose each token is. */
interface Beside {
  readonly key?: Secret
  readonly owners?: Owners
}

interface TokenReader {
  readonly read: (text: string, beside: Beside) => Parsed<ImportedToken>
  /** How the key is found in its file; absent: the seeds are never encrypted. */
  readonly keyIn?: (octets: Buffer) => Secret | undefined
  /** What the key file must hold. */
  readonly keyWords?: string
  /** Whether tokens may be named by their serial numbers alone. */
  readonly hasSerials?: boolean
}

const TOKENS = {
  oath: { read: parseUsersOath },
  otpauth: { read: parseOtpauth },
  'oath-csv': { read: (text, { owners }) => parseOathCsv(text, owners), hasSerials: true },
  freeipa: { read: parseFreeIpa },
  pskc: {
    read: (text, { key, owners }) => parsePskc(text, key, owners),
    keyIn: (octets) => pskcKeyIn(octets.toString('latin1')),
    keyWords: PSKC_KEY_WORDS,
    hasSerials: true,
  },
  privacyidea: {
    read: (text, { key }) => parsePrivacyIdea(text, key),
    keyIn: (octets) => fernetKeyIn(octets.toString('latin1')),
    keyWords: 'no key of privacyIDEA: 32 octets in base64url, as the export printed them',
  },
  linotp: {
    read: (text, { key, owners }) => parseLinOtp(text, key, owners),
    keyIn: linOtpKeyIn,
    keyWords: 'no encKey of LinOTP: at least 32 octets',
    hasSerials: true,
  },
} satisfies Readonly<Record<string, TokenReader>>
const HOMES = 'google-authenticator'

export type UserFormat = keyof typeof USERS
export type TokenFormat = keyof typeof TOKENS | typeof HOMES

/** A list of users, with columns that the first line names. */
export const LIST_FORMAT = 'csv'

export const FORMATS = [LIST_FORMAT, ...Object.keys(USERS), ...Object.keys(TOKENS), HOMES]

export const FORMATS_HELP =
  "csv: a list of users as the desk takes it, which also changes those who are there; ocpasswd: ocserv's own users; htpasswd: Apache's; of authenticators, oath: liboath's users file; google-authenticator: a folder of homes with the PAM module's files, or one file with --user; otpauth: a URI a line, or exports of Google Authenticator; oath-csv: a table; freeipa: tokens in LDIF; pskc: a key container of RFC 6030; privacyidea: an export of its token janitor; linotp: its table Token"

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
  /** The file with the key that encrypts the seeds. */
  readonly keyFile?: string
  /** The file that tells whose each token is, by serial number. */
  readonly owners?: string
}

/** @throws OperatorError */
export async function readTokens(
  path: string,
  format: TokenFormat,
  { user, keyFile, owners }: TokenOptions,
): Promise<Parsed<ImportedToken>> {
  if (user !== undefined && format !== HOMES)
    throw new OperatorError(`--user: the file itself names the users of ${format}`)
  const reader: TokenReader | undefined = format === HOMES ? undefined : TOKENS[format]
  if (keyFile !== undefined && reader?.keyIn === undefined)
    throw new OperatorError(`--key-file: the seeds of ${format} are not encrypted`)
  if (owners !== undefined && reader?.hasSerials !== true)
    throw new OperatorError(`--owners: the file itself names the users of ${format}`)
  if (reader === undefined) return parseGoogleAuthenticator(await authenticatorFiles(path, user))
  return reader.read(await textOf(path), {
    key: keyFile === undefined ? undefined : await keyIn(keyFile, reader),
    owners: owners === undefined ? undefined : await ownersOf(owners),
  })
}

/** The pre-shared key of a key container. @throws OperatorError */
export async function pskcKeyFrom(file: string): Promise<Secret | undefined> {
  return keyIn(file, TOKENS.pskc)
}

/** @throws OperatorError */
async function keyIn(file: string, { keyIn, keyWords }: TokenReader): Promise<Secret | undefined> {
  const key = keyIn?.(await readable(file, () => readFile(file)))
  if (key === undefined) throw new OperatorError(`${file} holds ${keyWords}`)
  return key
}

/** @throws OperatorError with every fault of the file. */
async function ownersOf(file: string): Promise<Owners> {
  const text = await textOf(file)
  try {
    const owners = ownersIn(text)
    if (!('faults' in owners)) return owners
    throw new OperatorError(
      owners.faults.map((fault) => `${file}: ${placeWords(fault)}: ${fault.problem}`).join('\n'),
    )
  } catch (error) {
    if (error instanceof BadLine) throw new OperatorError(`${file}: ${error.message}`)
    throw error
  }
}

async function authenticatorFiles(path: string, user: string | undefined) {
  const isFolder = await readable(path, async () => (await stat(path)).isDirectory())
  if (isFolder && user !== undefined) throw new OperatorError('--user is for a single file, not for a folder')
  if (isFolder) return readable(path, () => readHomes(path))
  if (user === undefined) throw new OperatorError(`${path} does not name its user: --user NAME does`)
  return [await readAuthenticatorFile(path, user)]
}

/** @throws OperatorError */
export async function textOf(file: string): Promise<string> {
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
