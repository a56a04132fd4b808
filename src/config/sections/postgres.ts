import { resolve } from 'node:path'
import { z } from 'zod'
import { Secret } from '../../domain/secret.ts'
import { type Path, ValueError } from '../../schema/config-error.ts'
import { duration, filePath, fromText } from '../../schema/scalars.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { PartialConfig } from '../partial-config.ts'
import { readSecretFile } from '../secret-file.ts'
import { checkInlineOrFile, decoded, hostOf, isLocalHost, readAuthorities } from './remote-server.ts'

export const postgresSchema = z.strictObject({
  url: fromText(readUrl).optional(),
  url_file: filePath().optional(),
  ca_file: filePath().optional(),
  pool: z.int().min(1).max(1000).default(10),
  statement_timeout: duration({ min: '100ms', max: '60s' }).default(2000),
})

type Parsed = z.output<typeof postgresSchema>
export type PostgresFiles = Awaited<ReturnType<typeof readPostgresFiles>>
export type PostgresConfig = NonNullable<ReturnType<typeof resolvePostgres>>

/** A database as its URL names it. */
interface PostgresAddress {
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password?: Secret
  readonly database: string
  /** Absent: nothing is said of it. */
  readonly tls?: boolean
}

const PORT = 5432
const EXAMPLE = 'write postgres://USER@HOST:5432/DATABASE'
const PATH: Path = ['storage', 'postgres']
const VERIFIED = 'write sslmode=verify-full, or sslmode=disable for a server on this machine'
/**
 * The words of libpq. Every mode that is taken and encrypts also checks the certificate and its name, as verify-full
 * does: encryption without that protects from no attacker.
 */
const MODES: Readonly<Record<string, boolean | ValueError>> = {
  disable: false,
  allow: new ValueError('says sslmode=allow, which encrypts only if the server insists', VERIFIED),
  prefer: new ValueError(
    'says sslmode=prefer, which an attacker on the network turns into no encryption',
    VERIFIED,
  ),
  require: true,
  'verify-ca': true,
  'verify-full': true,
}

export function checkPostgres(
  { url, statement_timeout: statementMs }: PartialConfig<Parsed>,
  deadlineMs: number | undefined,
  diagnostics: Diagnostics,
): void {
  checkInlineOrFile(PATH, 'url', diagnostics, {
    problem: 'has no url_file',
    suggestion: `add one, with a file that says ${EXAMPLE.slice(6)}`,
  })
  if (url?.password !== undefined)
    diagnostics.fault(
      [...PATH, 'url'],
      'holds a password',
      'move it to a file of its own and name that as url_file',
    )
  checkTls(url, [...PATH, 'url'], diagnostics)
  if (statementMs !== undefined && deadlineMs !== undefined && statementMs >= deadlineMs)
    diagnostics.warn(
      [...PATH, 'statement_timeout'],
      'is not shorter than radius.deadline: while the database hangs, logins fail without a reason',
      'make it half of radius.deadline',
    )
}

function checkTls(
  { host, tls }: PartialConfig<PostgresAddress> = {},
  path: Path,
  diagnostics: Diagnostics,
): void {
  const hasAuthorities = diagnostics.given([...PATH, 'ca_file'])
  if (tls === false && hasAuthorities)
    diagnostics.fault(
      [...PATH, 'ca_file'],
      'has no meaning with sslmode=disable',
      'write sslmode=verify-full in the URL, or remove it',
    )
  if (tls || hasAuthorities || host === undefined || isLocalHost(host)) return
  diagnostics.warn(
    path,
    'names another machine without TLS: an attacker on the network can read and change the records',
    'add ?sslmode=verify-full to it, and ca_file for a CA of your own',
  )
}

export async function readPostgresFiles(
  { url_file: urlFile, ca_file: caFile }: PartialConfig<Parsed> = {},
  folder: string,
  diagnostics: Diagnostics,
) {
  return {
    address: urlFile === undefined ? undefined : await readUrlFile(resolve(folder, urlFile), diagnostics),
    authorities: await readAuthorities(folder, caFile, [...PATH, 'ca_file'], diagnostics),
  }
}

async function readUrlFile(path: string, diagnostics: Diagnostics): Promise<PostgresAddress | undefined> {
  const place = [...PATH, 'url_file']
  const content = diagnostics.valueOf(place, await readSecretFile(path, undefined, `${EXAMPLE} into it`))
  if (content === undefined) return undefined
  const address = readUrl(content.reveal().trim())
  if (address instanceof ValueError)
    diagnostics.fault(place, `${path} ${address.problem}`, address.suggestion)
  else checkTls(address, place, diagnostics)
  return address instanceof ValueError ? undefined : address
}

export function resolvePostgres(parsed: Parsed | undefined, files: PostgresFiles) {
  const address = files.address ?? parsed?.url
  if (parsed === undefined || address === undefined) return undefined
  const { tls, ...server } = address
  const { authorities } = files
  // PostgreSQL speaks no TLS over a Unix socket, and libpq asks for none there.
  const isEncrypted = !server.host.startsWith('/') && (tls || authorities !== undefined)
  return {
    /** Without TLS if that is absent; otherwise the certificate must be valid for the host. */
    server: { ...server, tls: isEncrypted ? { authorities } : undefined },
    connections: parsed.pool,
    statementMs: parsed.statement_timeout,
  }
}

/** Errors never quote the value: it may hold a password. */
function readUrl(value: string): PostgresAddress | ValueError {
  const url = URL.parse(value)
  if (url === null || !/^postgres(?:ql)?:$/.test(url.protocol))
    return new ValueError(
      'is not an address of a PostgreSQL database',
      `${EXAMPLE}; characters such as # / ? % in a password as %23 %2F %3F %25`,
    )
  const more = [...url.searchParams.keys()].find((key) => !['host', 'user', 'sslmode'].includes(key))
  if (more !== undefined) return new ValueError('holds an unknown parameter', 'use host, user and sslmode')
  const mode = url.searchParams.get('sslmode')
  const tls = mode === null || !Object.hasOwn(MODES, mode) ? undefined : MODES[mode]
  if (tls instanceof ValueError) return tls
  if (mode !== null && tls === undefined) return new ValueError('holds an unknown sslmode', VERIFIED)
  const host = url.searchParams.get('host') ?? decoded(hostOf(url))
  const user = decoded(url.username) || url.searchParams.get('user')
  const database = decoded(url.pathname.slice(1))
  if (!host || (host.includes('/') && !host.startsWith('/')))
    return new ValueError(
      'names no host',
      `${EXAMPLE}, or for a Unix socket postgres://USER@%2Frun%2Fpostgresql/DATABASE`,
    )
  if (!user) return new ValueError('names no user', EXAMPLE)
  if (!database || database.includes('/')) return new ValueError('names no database', EXAMPLE)
  const password = decoded(url.password)
  return {
    host,
    port: url.port === '' ? PORT : Number(url.port),
    user,
    password: password ? new Secret(password) : undefined,
    database,
    tls,
  }
}
