import { isIP } from 'node:net'
import type { LogFields } from '../domain/log.ts'

/** The version of the Elastic Common Schema that the names are of. */
const VERSION = '8.11.0'

interface Class {
  readonly category: readonly string[]
  readonly type: readonly string[]
  readonly outcome?: 'success' | 'failure' | 'unknown'
}

/** By event, or by its first word. */
const CLASSES: Readonly<Record<string, Class>> = {
  'login.accepted': { category: ['authentication'], type: ['start'], outcome: 'success' },
  'login.refused': { category: ['authentication'], type: ['start'], outcome: 'failure' },
  'login.unavailable': { category: ['authentication'], type: ['start'], outcome: 'failure' },
  'login.withdrawn': { category: ['authentication'], type: ['end'], outcome: 'failure' },
  'lockout.made': { category: ['iam'], type: ['user', 'change'] },
  'lockout.released': { category: ['iam'], type: ['user', 'change'] },
  'user.added': { category: ['iam'], type: ['user', 'creation'] },
  'user.removed': { category: ['iam'], type: ['user', 'deletion'] },
  'token.made': { category: ['iam'], type: ['admin', 'creation'] },
  'token.revoked': { category: ['iam'], type: ['admin', 'deletion'] },
  'enrolments.exported': { category: ['iam'], type: ['access'] },
  login: { category: ['authentication'], type: ['info'] },
  user: { category: ['iam'], type: ['user', 'change'] },
  enrolment: { category: ['iam'], type: ['user', 'change'] },
  recovery_codes: { category: ['iam'], type: ['user', 'change'] },
  invitation: { category: ['iam'], type: ['user', 'change'] },
  password_link: { category: ['iam'], type: ['user', 'change'] },
  trust: { category: ['iam'], type: ['user', 'change'] },
  session: { category: ['session'], type: ['end'] },
  address: { category: ['session'], type: ['info'] },
  quota: { category: ['session'], type: ['info'] },
}

/**
 * A line of the log, or an event of the audit trail, under the names of the Elastic Common Schema. What has no name there
 * is under `ocbroker.`; time, level and message are the writer's.
 */
export function ecsFields(event: string, fields: LogFields): LogFields {
  const { id, user, actor, address, gateway, reason, ms, error, ...rest } = fields
  const { category, type, outcome } = CLASSES[event] ?? CLASSES[event.split('.')[0] ?? ''] ?? {}
  return {
    'ecs.version': VERSION,
    'event.kind': 'event',
    'event.dataset': 'ocbroker',
    'event.action': event,
    'event.id': id,
    'event.category': category,
    'event.type': type,
    'event.outcome': outcome,
    'event.reason': reason,
    // Nanoseconds.
    'event.duration': typeof ms === 'number' ? ms * 1_000_000 : undefined,
    // Who acts is the user, and whom it concerns the target.
    'user.name': actor ?? user,
    'user.target.name': actor === undefined ? undefined : user,
    'source.address': address,
    'source.ip': typeof address === 'string' && isIP(address) !== 0 ? address : undefined,
    'observer.name': gateway,
    ...errorFields(error),
    ...Object.fromEntries(Object.entries(rest).map(([key, value]) => [`ocbroker.${key}`, value])),
  }
}

/** Other members are left out: they may hold what a client sent. */
function errorFields(error: unknown): LogFields {
  if (error === undefined) return {}
  if (!(error instanceof Error)) return { 'error.message': String(error) }
  return {
    'error.type': error.name,
    'error.message': error.cause === undefined ? error.message : `${error.message} (${error.cause})`,
    'error.stack_trace': error.stack,
  }
}
