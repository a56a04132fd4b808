import { resolve } from 'node:path'
import { z } from 'zod'
import { NOTICE_KINDS } from '../../domain/mail.ts'
import { isMailAddress } from '../../domain/mail-address.ts'
import type { Secret } from '../../domain/secret.ts'
import { echo, ValueError } from '../../schema/config-error.ts'
import { duration, filePath, fromText, text } from '../../schema/scalars.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { PartialConfig } from '../partial-config.ts'
import { isLocalHost, readAuthorities, readNamedSecret } from './remote-server.ts'

const smtpSchema = z.strictObject({
  host: text(),
  /** Absent: 587 with `starttls`, 465 with `implicit`, 25 with `none` (RFC 8314 §3.3, RFC 5321). */
  port: z.int().min(1).max(65_535).optional(),
  tls: z.enum(['starttls', 'implicit', 'none']).default('starttls'),
  username: text().optional(),
  password_file: filePath().optional(),
  ca_file: filePath().optional(),
  /** The name in the server's certificate, if it is not the host. */
  server_name: text().optional(),
})

/** Mails to users. Absent: none are sent. */
export const mailSchema = z.strictObject({
  from: fromText(readSender),
  smtp: smtpSchema.optional(),
  /** Each mail becomes a file there. */
  folder: filePath().optional(),
  /** A program that takes a mail at its standard input, with its arguments. */
  pipe: z.array(text()).min(1).optional(),
  /** Notices to one user within 24 hours. */
  per_user: z.int().min(1).max(1000).default(10),
  notices: z
    .strictObject(Object.fromEntries(NOTICE_KINDS.map((kind) => [kind, z.boolean().default(true)])))
    .prefault({}),
  /** How long before its end a local account is said to end. */
  warn_before: duration({ min: '1d', max: '90d' }).default(14 * 86_400_000),
})

type Parsed = z.output<typeof mailSchema>
export type MailFiles = Awaited<ReturnType<typeof readMailFiles>>
export type MailConfig = NonNullable<ReturnType<typeof resolveMail>>

const WAYS = ['smtp', 'folder', 'pipe'] as const
const PORTS = { starttls: 587, implicit: 465, none: 25 } as const

/** `VPN of Example <vpn@example.org>`, or the address alone. */
function readSender(value: string): { readonly name?: string; readonly address: string } | ValueError {
  const [, name = '', inBrackets] = /^([^<>"\p{Cc}]*)<([^<>]*)>$/u.exec(value.trim()) ?? []
  const address = inBrackets ?? value.trim()
  if (!isMailAddress(address))
    return new ValueError(`${echo(value)} is not a sender`, 'write "Example VPN <vpn@example.org>", say')
  return name.trim() === '' ? { address } : { name: name.trim(), address }
}

export function checkMail(mail: PartialConfig<Parsed>, diagnostics: Diagnostics): void {
  const ways = WAYS.filter((way) => diagnostics.given(['mail', way]))
  if (ways.length === 0)
    diagnostics.fault(['mail'], 'does not say how mails are sent', 'add smtp, with the host of a mail server')
  if (ways.length > 1) diagnostics.fault(['mail'], `has ${ways.join(' and ')}`, 'keep one of them')
  if (!diagnostics.given(['portal', 'public_url']))
    diagnostics.fault(
      ['mail'],
      'needs the address of the portal, which mails link to',
      'add portal: { public_url: https://vpn.example.org }',
    )
  const [program] = mail.pipe ?? []
  if (program !== undefined && !program.startsWith('/'))
    diagnostics.fault(
      ['mail', 'pipe', 0],
      `${echo(program)} is not an absolute path`,
      'write /usr/sbin/sendmail',
    )
  if (mail.smtp !== undefined) checkSmtp(mail.smtp, diagnostics)
}

function checkSmtp(
  { host, tls }: PartialConfig<z.output<typeof smtpSchema>>,
  diagnostics: Diagnostics,
): void {
  const at = (key: string) => ['mail', 'smtp', key]
  const [hasUser, hasPassword] = ['username', 'password_file'].map((key) => diagnostics.given(at(key)))
  if (hasUser !== hasPassword)
    diagnostics.fault(
      ['mail', 'smtp'],
      hasUser ? 'has a username and no password_file' : 'has a password_file and no username',
      'name both, or neither',
    )
  if (tls !== 'none' || host === undefined) return
  for (const key of ['ca_file', 'server_name'])
    if (diagnostics.given(at(key)))
      diagnostics.fault(at(key), 'has no meaning without TLS', 'write tls: starttls')
  if (isLocalHost(host)) return
  if (hasUser)
    diagnostics.fault(at('tls'), 'would send the password across the network unencrypted', 'write starttls')
  else
    diagnostics.warn(
      at('tls'),
      'sends invitations across the network unencrypted',
      'write starttls, or implicit',
    )
}

export async function readMailFiles(
  { smtp }: PartialConfig<Parsed> = {},
  folder: string,
  diagnostics: Diagnostics,
) {
  const at = (key: string) => ['mail', 'smtp', key]
  return {
    password: await readNamedSecret(folder, smtp?.password_file, at('password_file'), diagnostics),
    authorities: await readAuthorities(folder, smtp?.ca_file, at('ca_file'), diagnostics),
  }
}

/** How mails leave. */
export type MailWay =
  | { readonly kind: 'folder'; readonly folder: string }
  | { readonly kind: 'pipe'; readonly command: readonly string[] }
  | {
      readonly kind: 'smtp'
      readonly host: string
      readonly port: number
      readonly tls: 'starttls' | 'implicit' | 'none'
      readonly serverName?: string
      readonly username?: string
      readonly password?: Secret
      /** PEM. */
      readonly authorities?: string
    }

export function resolveMail(parsed: Parsed | undefined, files: MailFiles, folder: string) {
  if (parsed === undefined) return undefined
  const way = wayOf(parsed, files, folder)
  if (way === undefined) return undefined
  return {
    from: parsed.from,
    way,
    perUser: parsed.per_user,
    notices: new Set(NOTICE_KINDS.filter((kind) => parsed.notices[kind])),
    warnBeforeMs: parsed.warn_before,
  }
}

function wayOf({ smtp, folder: to, pipe }: Parsed, files: MailFiles, folder: string): MailWay | undefined {
  if (to !== undefined) return { kind: 'folder', folder: resolve(folder, to) }
  if (pipe !== undefined) return { kind: 'pipe', command: pipe }
  if (smtp === undefined) return undefined
  const { host, tls, username, server_name: serverName, port = PORTS[tls] } = smtp
  return { kind: 'smtp', host, port, tls, username, serverName, ...files }
}
