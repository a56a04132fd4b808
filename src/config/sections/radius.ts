import { z } from 'zod'
import { LOCALES } from '../../domain/locale.ts'
import { address, duration, filePath, oneOrMany } from '../../schema/scalars.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { PartialConfig } from '../partial-config.ts'
import { radiusTlsSchema, resolveRadiusTls } from './radius-tls.ts'

/** 0: any free port. */
const port = () => z.int().min(0).max(65_535)

export const onOutageSchema = z.enum(['reject', 'silent'])

export const radiusSchema = z.strictObject({
  address: oneOrMany(address()).default(['127.0.0.1']),
  auth_port: port().default(1812),
  acct_port: port().default(1813),
  /** Every request is answered within this time. */
  deadline: duration({ min: '500ms', max: '60s' }).default(5000),
  locale: z.enum(LOCALES).default('en'),
  /** For gateways without a rule of their own. */
  on_outage: onOutageSchema.default('reject'),
  /** Requests in progress; as many may wait, and of more the oldest are dropped. */
  max_in_flight: z.int().min(1).max(100_000).default(2000),
  /** Operators' own dictionary files, in the syntax of FreeRADIUS and radcli. */
  dictionaries: z.array(filePath()).max(32).default([]),
  /** Processes that share the ports. */
  workers: z.int().min(1).max(64).default(1),
  tls: radiusTlsSchema.optional(),
})

type Parsed = z.output<typeof radiusSchema>
export type RadiusConfig = ReturnType<typeof resolveRadius>

export function checkRadius(radius: PartialConfig<Parsed>, diagnostics: Diagnostics): void {
  if (radius.auth_port !== undefined && radius.auth_port !== 0 && radius.auth_port === radius.acct_port) {
    const key = diagnostics.given(['radius', 'acct_port']) ? 'acct_port' : 'auth_port'
    diagnostics.fault(['radius', key], `authentication and accounting both have port ${radius.auth_port}`)
  }
  const addresses = radius.address ?? []
  for (const [index, each] of addresses.entries()) {
    if (each === undefined) continue
    const path = ['radius', 'address', index]
    if (addresses.indexOf(each) < index) diagnostics.fault(path, `${each} is given twice`, 'keep one')
    else if (addresses.some((other) => other !== each && other !== undefined && covers(each, other)))
      diagnostics.fault(
        path,
        `${each} stands for the others too, which could not be opened beside it`,
        `keep ${each} alone`,
      )
  }
}

/** The system opens `::` for IPv4 as well. */
function covers(each: string, other: string): boolean {
  return each === '::' || (each === '0.0.0.0' && !other.includes(':'))
}

export function resolveRadius(parsed: Parsed, folder: string) {
  return {
    addresses: parsed.address,
    authPort: parsed.auth_port,
    acctPort: parsed.acct_port,
    deadlineMs: parsed.deadline,
    locale: parsed.locale,
    onOutage: parsed.on_outage,
    maxInFlight: parsed.max_in_flight,
    workers: parsed.workers,
    tls: parsed.tls && resolveRadiusTls(parsed.tls, parsed.address, folder),
  }
}
