import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { z } from 'zod'
import { parseAddress } from '../../domain/network.ts'
import { Secret } from '../../domain/secret.ts'
import { type Path, type Report, Slip } from '../fault.ts'
import { duration, filePath, readText, scalar } from '../scalars.ts'
import type { Draft } from '../schema-walk.ts'
import { readSecretFile } from '../secret-file.ts'
import { systemWords } from '../system-words.ts'

export const postgresShape = z.strictObject({
  url: postgresUrl().optional(),
  url_file: filePath().optional(),
  ca_file: filePath().optional(),
  pool: z.int().min(1).max(1000).default(10),
  statement_timeout: duration({ min: '100ms', max: '60s' }).default(2000),
})

type Parsed = z.output<typeof postgresShape>

/** A database, as its URL names it. */
interface PostgresAddress {
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password?: Secret
  readonly database: string
  readonly tls: boolean
}

export interface PostgresConfig {
  readonly server: Omit<PostgresAddress, 'tls'> & {
    /** Absent: no TLS. The server's certificate must be valid for the host. */
    readonly tls?: {
      /** Certificates in PEM; absent: the system's. */
      readonly authorities?: string
    }
  }
  /** At most. */
  readonly connections: number
  /** Milliseconds. */
  readonly statementMs: number
}

/** What the files hold that the section names. */
export interface PostgresFiles {
  readonly address?: PostgresAddress
  readonly authorities?: string
}

const PORT = 5432
const EXAMPLE = 'write postgres://USER@HOST:5432/DATABASE'
const PATH: Path = ['storage', 'postgres']
/** Every mode that encrypts checks the certificate, too: encryption to whoever answers keeps out nobody. */
const MODES: Readonly<Record<string, boolean>> = {
  disable: false,
  require: true,
  'verify-ca': true,
  'verify-full': true,
}

export function checkPostgres(draft: Draft<Parsed>, deadlineMs: number | undefined, report: Report): void {
  const inline = report.given([...PATH, 'url'])
  const inFile = report.given([...PATH, 'url_file'])
  if (inline && inFile) report.fault(PATH, 'has a url and a url_file', 'keep one of the two')
  if (!inline && !inFile)
    report.fault(PATH, 'has no url_file', `add one, with a file that says ${EXAMPLE.slice(6)}`)
  const { url, statement_timeout: statementMs } = draft
  if (url?.password !== undefined) {
    report.fault(
      [...PATH, 'url'],
      'holds a password',
      'move it to a file of its own and name that as url_file',
    )
  }
  if (isAddress(url)) checkTls(url, [...PATH, 'url'], report)
  if (statementMs !== undefined && deadlineMs !== undefined && statementMs >= deadlineMs) {
    report.warn(
      [...PATH, 'statement_timeout'],
      'is no shorter than radius.deadline: while the database hangs, logins end without a word of why',
      'make it half of radius.deadline',
    )
  }
}

function isAddress(url: Draft<PostgresAddress> | undefined): url is PostgresAddress {
  return url?.host !== undefined && url.tls !== undefined
}

function checkTls({ host, tls }: PostgresAddress, path: Path, report: Report): void {
  const isHere = host.startsWith('/') || host === 'localhost' || parseAddress(host)?.range() === 'loopback'
  if (tls || isHere || report.given([...PATH, 'ca_file'])) return
  report.warn(
    path,
    'names another machine without TLS: whoever is on the way reads the records and changes them',
    'add ?sslmode=verify-full to it, and ca_file where the authority is your own',
  )
}

/** Reads the files that the section names. */
export async function readPostgresFiles(
  draft: Draft<Parsed> | undefined,
  folder: string,
  report: Report,
): Promise<PostgresFiles> {
  const { url_file: urlFile, ca_file: caFile } = draft ?? {}
  const address = urlFile === undefined ? undefined : await readUrlFile(resolve(folder, urlFile), report)
  const authorities =
    caFile === undefined ? undefined : await readAuthorities(resolve(folder, caFile), report)
  return {
    ...(address !== undefined && { address }),
    ...(authorities !== undefined && { authorities }),
  }
}

async function readUrlFile(path: string, report: Report): Promise<PostgresAddress | undefined> {
  const place = [...PATH, 'url_file']
  const content = await readSecretFile(path, undefined, `${EXAMPLE} into it`)
  const found = content instanceof Slip ? content : readUrl(content.reveal().trim())
  if (!(found instanceof Slip)) {
    checkTls(found, place, report)
    return found
  }
  report.fault(place, content instanceof Slip ? found.problem : `${path} ${found.problem}`, found.suggestion)
  return undefined
}

async function readAuthorities(path: string, report: Report): Promise<string | undefined> {
  const place = [...PATH, 'ca_file']
  try {
    const pem = await readFile(path, 'utf8')
    if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem
    report.fault(place, `${path} holds no certificate in PEM`)
  } catch (error) {
    report.fault(place, `${path} cannot be read: ${systemWords(error)}`)
  }
  return undefined
}

export function resolvePostgres(
  parsed: Parsed | undefined,
  files: PostgresFiles,
): PostgresConfig | undefined {
  const address = files.address ?? parsed?.url
  if (parsed === undefined || address === undefined) return undefined
  const { tls, ...server } = address
  const { authorities } = files
  return {
    server: {
      ...server,
      ...((tls || authorities !== undefined) && { tls: authorities === undefined ? {} : { authorities } }),
    },
    connections: parsed.pool,
    statementMs: parsed.statement_timeout,
  }
}

function postgresUrl() {
  return scalar((raw): PostgresAddress | Slip => {
    const value = readText(raw)
    return value instanceof Slip ? value : readUrl(value)
  })
}

/** Never quotes what it was given: a password may be in it. */
function readUrl(text: string): PostgresAddress | Slip {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^postgres(?:ql)?:$/.test(url.protocol)) {
    return new Slip(
      'is no address of a PostgreSQL database',
      `${EXAMPLE}; signs such as # / ? % in a password as %23 %2F %3F %25`,
    )
  }
  const more = [...url.searchParams.keys()].find((key) => !['host', 'user', 'sslmode'].includes(key))
  if (more !== undefined)
    return new Slip('holds a parameter that is not known here', 'host, user and sslmode are')
  const mode = url.searchParams.get('sslmode') ?? 'disable'
  const tls = Object.hasOwn(MODES, mode) ? MODES[mode] : undefined
  if (tls === undefined) {
    return new Slip('holds an sslmode that is not known here', 'write verify-full, or leave it out')
  }
  const host = url.searchParams.get('host') ?? url.hostname.replace(/^\[(.*)\]$/, '$1')
  const user = decoded(url.username) || url.searchParams.get('user')
  const database = decoded(url.pathname.slice(1))
  if (host === '') return new Slip('names no host', `${EXAMPLE}, or for a Unix socket ?host=/run/postgresql`)
  if (!user) return new Slip('names no user', EXAMPLE)
  if (!database || database.includes('/')) return new Slip('names no database', EXAMPLE)
  const password = decoded(url.password)
  return {
    host,
    port: url.port === '' ? PORT : Number(url.port),
    user,
    ...(password !== undefined && password !== '' && { password: new Secret(password) }),
    database,
    tls,
  }
}

/** @returns undefined where a percent sign does not begin an escape. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
