import { z } from 'zod'
import type { Gateway } from '../../domain/gateway.ts'
import type { Locale } from '../../domain/words.ts'
import type { Report } from '../fault.ts'
import { address, duration, oneOrMany } from '../scalars.ts'
import type { Draft } from '../schema-walk.ts'

const port = () => z.int().min(0).max(65_535)

export const onOutageShape = z.enum(['reject', 'silent'])

export const radiusShape = z.strictObject({
  address: oneOrMany(address()).default(['127.0.0.1']),
  auth_port: port().default(1812),
  acct_port: port().default(1813),
  deadline: duration({ min: '500ms', max: '60s' }).default(5000),
  locale: z.enum(['en', 'zh-CN']).default('en'),
  on_outage: onOutageShape.default('reject'),
  max_in_flight: z.int().min(1).max(100_000).default(2000),
  workers: z.int().min(1).max(64).default(1),
})

export interface RadiusConfig {
  readonly addresses: readonly string[]
  /** 0: any free port. */
  readonly authPort: number
  readonly acctPort: number
  /** Milliseconds within which every request is answered. */
  readonly deadlineMs: number
  readonly locale: Locale
  /** For gateways that have no rule of their own. */
  readonly onOutage: Gateway['onOutage']
  /** Requests that may be worked on at one time; as many may wait, and of more the oldest are dropped. */
  readonly maxInFlight: number
  /** Processes that share the ports. */
  readonly workers: number
}

export function checkRadius(draft: Draft<z.output<typeof radiusShape>>, report: Report): void {
  if (draft.auth_port !== undefined && draft.auth_port !== 0 && draft.auth_port === draft.acct_port) {
    const key = report.given(['radius', 'acct_port']) ? 'acct_port' : 'auth_port'
    report.fault(['radius', key], `authentication and accounting both have port ${draft.auth_port}`)
  }
  const addresses = draft.address ?? []
  for (const [index, each] of addresses.entries()) {
    if (each === undefined) continue
    if (addresses.indexOf(each) < index)
      report.fault(['radius', 'address', index], `${each} stands here twice`, 'keep one')
    else if (addresses.some((other) => other !== each && other !== undefined && covers(each, other)))
      report.fault(
        ['radius', 'address', index],
        `${each} stands for the others too, which could not be opened beside it`,
        `keep ${each} alone`,
      )
  }
}

/** The system opens `::` for IPv4 as well. */
function covers(each: string, other: string): boolean {
  return each === '::' || (each === '0.0.0.0' && !other.includes(':'))
}

export function resolveRadius(parsed: z.output<typeof radiusShape>): RadiusConfig {
  return {
    addresses: parsed.address,
    authPort: parsed.auth_port,
    acctPort: parsed.acct_port,
    deadlineMs: parsed.deadline,
    locale: parsed.locale,
    onOutage: parsed.on_outage,
    maxInFlight: parsed.max_in_flight,
    workers: parsed.workers,
  }
}
