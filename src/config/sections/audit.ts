import { z } from 'zod'
import { type Path, ValueError } from '../../schema/config-error.ts'
import { filePath, fromText, name, text } from '../../schema/scalars.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { PartialConfig } from '../partial-config.ts'
import type { AuditFiles, SinkFiles } from './audit-files.ts'
import { hostOf, isLocalHost } from './remote-server.ts'

interface SyslogAddress {
  readonly transport: 'udp' | 'tcp' | 'tls'
  readonly host: string
  readonly port: number
}

const tlsSchema = z.strictObject({
  ca_file: filePath().optional(),
  /** By which the broker shows itself to the receiver, with its key. */
  cert_file: filePath().optional(),
  key_file: filePath().optional(),
  server_name: text().optional(),
})

/** Where the audit trail is sent, besides the records and the log. */
export const auditSchema = z.strictObject({
  syslog: z
    .array(
      z.strictObject({
        name: name(),
        url: fromText(readSyslogUrl),
        facility: z
          .enum([
            ...(['user', 'daemon', 'auth', 'authpriv'] as const),
            ...(['local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7'] as const),
          ])
          .default('authpriv'),
        tls: tlsSchema.optional(),
      }),
    )
    .default([]),
  webhook: z
    .array(
      z.strictObject({
        name: name(),
        url: fromText(readWebhookUrl),
        secret_file: filePath(),
        /** Events in one request, at most. */
        batch: z.int().min(1).max(1000).default(100),
        tls: tlsSchema.optional(),
      }),
    )
    .default([]),
})

type Parsed = z.output<typeof auditSchema>
type ParsedTls = z.output<typeof tlsSchema>
export type AuditConfig = ReturnType<typeof resolveAudit>

const KINDS = ['syslog', 'webhook'] as const
/** Names under which the records keep how far the broker's own readers of the trail have come. */
const OWN: Readonly<Record<string, string>> = { log: 'the log itself', mail: 'the mails to users' }

export function checkAudit(audit: PartialConfig<Parsed>, diagnostics: Diagnostics): void {
  const names = new Map<string, string>()
  for (const kind of KINDS) {
    for (const [index, sink] of (audit[kind] ?? []).entries()) {
      const path = ['audit', kind, index]
      const earlier = sink?.name && names.get(sink.name)
      const own = OWN[sink?.name ?? '']
      if (earlier || own !== undefined)
        diagnostics.fault(
          [...path, 'name'],
          earlier ? `${sink?.name} is already the name of ${earlier}` : `${sink?.name} is the name of ${own}`,
          'give each receiver a name of its own',
        )
      if (sink?.name !== undefined) names.set(sink.name, `audit.${kind}[${index}]`)
      checkTls(sink?.tls, path, diagnostics)
    }
  }
  for (const [index, sink] of (audit.syslog ?? []).entries())
    checkTransport(sink?.url, ['audit', 'syslog', index], sink?.url?.transport === 'tls', diagnostics)
  for (const [index, sink] of (audit.webhook ?? []).entries()) {
    const url = sink?.url === undefined ? undefined : new URL(sink.url)
    const isTls = url?.protocol === 'https:'
    checkTransport(url && { host: hostOf(url) }, ['audit', 'webhook', index], isTls, diagnostics)
  }
}

function checkTls(tls: PartialConfig<ParsedTls> | undefined, path: Path, diagnostics: Diagnostics): void {
  if (tls === undefined) return
  const at = (key: string) => [...path, 'tls', key]
  const [hasCertificate, hasKey] = ['cert_file', 'key_file'].map((key) => diagnostics.given(at(key)))
  if (hasCertificate !== hasKey)
    diagnostics.fault(
      [...path, 'tls'],
      hasKey ? 'has a key_file and no cert_file' : 'has a cert_file and no key_file',
      'name both, or neither',
    )
}

function checkTransport(
  url: { readonly host?: string | undefined } | undefined,
  path: Path,
  isTls: boolean,
  diagnostics: Diagnostics,
): void {
  if (url?.host === undefined || isTls) return
  if (diagnostics.given([...path, 'tls']))
    diagnostics.fault([...path, 'tls'], 'has no meaning without TLS', 'write tls:// or https:// as url')
  if (!isLocalHost(url.host))
    diagnostics.warn(
      [...path, 'url'],
      'sends names and addresses of users across the network unencrypted',
      'write tls:// or https:// as url',
    )
}

export function resolveAudit(parsed: Parsed, files: AuditFiles) {
  return {
    syslog: parsed.syslog.map(({ name, url, facility, tls }, index) => {
      return { name, ...url, facility, tls: tlsOf(tls, files.syslog[index]) }
    }),
    webhook: parsed.webhook.flatMap(({ name, url, batch, tls }, index) => {
      const file = files.webhook[index]
      if (file?.secret === undefined) return []
      return [{ name, url, batch, secret: file.secret, tls: tlsOf(tls, file) }]
    }),
  }
}

function tlsOf(tls: ParsedTls | undefined, files: SinkFiles | undefined) {
  if (tls === undefined) return undefined
  const { authorities, certificate, key } = files ?? {}
  return { authorities, certificate, key, serverName: tls.server_name }
}

/** RFC 6587 and RFC 5426 take the port of RFC 5424's predecessor; RFC 5425 §4.1 names 6514. */
const PORTS: Readonly<Record<string, number>> = { 'udp:': 514, 'tcp:': 514, 'tls:': 6514 }

function readSyslogUrl(value: string): SyslogAddress | ValueError {
  const url = URL.parse(value)
  const port = PORTS[url?.protocol ?? '']
  const hasMore = url !== null && (url.username !== '' || url.search !== '' || !/^\/?$/.test(url.pathname))
  if (url === null || port === undefined || url.hostname === '' || hasMore)
    return new ValueError('is not an address of a syslog server', 'write tls://HOST:6514, tcp:// or udp://')
  return {
    transport: url.protocol.slice(0, -1) as SyslogAddress['transport'],
    host: hostOf(url),
    port: url.port === '' ? port : Number(url.port),
  }
}

/** Errors do not quote the value: people write tokens into such addresses. */
function readWebhookUrl(value: string): string | ValueError {
  const url = URL.parse(value)
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === '')
    return new ValueError('is no URL', 'write https://HOST/PATH')
  if (url.username !== '' || url.password !== '')
    return new ValueError('holds a password', 'the signature shows the receiver who sends')
  return url.href
}
