import { z } from 'zod'
import { Secret } from '../../domain/secret.ts'
import type { Path, Report } from '../../schema/config-error.ts'
import type { ProviderType } from '../../schema/provider-type.ts'
import { duration, filePath, secret, text } from '../../schema/scalars.ts'
import { checkSecretLength } from '../../schema/shared-secret.ts'
import { warnOfAliases } from '../warn-of-aliases.ts'
import type { UpstreamServerOptions } from './upstream-server.ts'

const serverSchema = z.strictObject({
  host: text(),
  port: z.int().min(1).max(65_535).default(1812),
  secret: secret().optional(),
  secret_file: filePath().optional(),
  message_authenticator: z.enum(['require', 'off']).default('require'),
  status_server: z.boolean().default(true),
})

const schema = z.strictObject({
  servers: z.array(serverSchema).min(1),
  send_realm: text().optional(),
  request: z.record(text(), z.union([text(), z.int().min(0)])).default({}),
  reply: z.array(text()).default([]),
  groups_from: z.array(text()).default([]),
  server_timeout: duration({ min: '100ms', max: '30s' }).optional(),
})

/** Other RADIUS servers. */
export const radiusType: ProviderType<typeof schema.shape> = {
  type: 'radius',
  schema,
  secretFiles: [{ path: ['servers', '*', 'secret_file'], check: checkSecretLength }],
  check(path, report) {
    warnOfAliases(path, report)
    const servers = report.at([...path, 'servers'])
    if (!Array.isArray(servers)) return
    for (const index of servers.keys()) checkServer([...path, 'servers', index], report)
  },
  async create(settings, { name, clock, random, log }) {
    const { upstreamRadiusIdentity } = await import('./provider.ts')
    const servers = settings.servers.map(
      (server): UpstreamServerOptions => ({
        host: server.host,
        port: server.port,
        secret: server.secret ?? new Secret(''),
        requireMessageAuthenticator: server.message_authenticator === 'require',
        statusServer: server.status_server,
      }),
    )
    const provider = upstreamRadiusIdentity({
      name,
      servers,
      realm: settings.send_realm,
      requestAttributes: settings.request,
      reply: { attributes: settings.reply, groupsFrom: settings.groups_from },
      answerWithinMs: settings.server_timeout,
      clock,
      random,
      log,
    })
    return { provider, close: () => provider.close() }
  },
}

function checkServer(path: Path, report: Report): void {
  const isInline = report.given([...path, 'secret'])
  const isInFile = report.given([...path, 'secret_file'])
  if (isInline && isInFile) report.fault(path, 'has a secret and a secret_file', 'keep one of the two')
  const written = report.at([...path, 'secret'])
  if (typeof written === 'string') checkSecretLength(new Secret(written), [...path, 'secret'], report)
  if (!isInline && !isInFile) report.fault(path, 'has no shared secret', 'add secret_file or secret')
  if (report.at([...path, 'message_authenticator']) === 'off')
    report.warn(
      [...path, 'message_authenticator'],
      'allows anyone on the path to forge an acceptance (CVE-2024-3596)',
      'update that server, and remove this',
    )
}
