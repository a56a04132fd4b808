import { z } from 'zod'
import { Secret } from '../../../domain/secret.ts'
import type { Path, Report } from '../../fault.ts'
import { duration, filePath, secret, text } from '../../scalars.ts'
import { judgeLength } from '../shared-secret.ts'
import { commonKeys } from './common.ts'

const serverShape = z.strictObject({
  host: text(),
  port: z.int().min(1).max(65_535).default(1812),
  secret: secret().optional(),
  secret_file: filePath().optional(),
  message_authenticator: z.enum(['require', 'off']).default('require'),
  status_server: z.boolean().default(true),
})

/** Other RADIUS servers. */
export const radiusStoreShape = z.strictObject({
  type: z.literal('radius'),
  ...commonKeys,
  servers: z.array(serverShape).min(1),
  send_realm: text().optional(),
  request: z.record(text(), z.union([text(), z.int().min(0)])).default({}),
  reply: z.array(text()).default([]),
  groups_from: z.array(text()).default([]),
  server_timeout: duration({ min: '100ms', max: '30s' }).optional(),
})

export type RadiusStore = z.output<typeof radiusStoreShape>

export function checkRadiusStore(path: Path, report: Report): void {
  const servers = report.at([...path, 'servers'])
  if (!Array.isArray(servers)) return
  for (const index of servers.keys()) {
    const server = [...path, 'servers', index]
    const inline = report.given([...server, 'secret'])
    const inFile = report.given([...server, 'secret_file'])
    if (inline && inFile) report.fault(server, 'has a secret and a secret_file', 'keep one of the two')
    const written = report.at([...server, 'secret'])
    if (typeof written === 'string') judgeLength(new Secret(written), [...server, 'secret'], report)
    if (!inline && !inFile) report.fault(server, 'has no shared secret', 'add secret_file or secret')
    if (report.at([...server, 'message_authenticator']) === 'off')
      report.warn(
        [...server, 'message_authenticator'],
        'lets whoever sits between forge an acceptance (CVE-2024-3596)',
        'update that server, and remove this',
      )
  }
}
