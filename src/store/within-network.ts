import type { Expression, ExpressionBuilder, SqlBool } from 'kysely'
import { lockableAround } from '../domain/network.ts'
import type { Tables } from './schema.ts'
import { searchColumn, within } from './subnet-columns.ts'

/** Whether a row's address lies in a network, as `parseSearchedPlace` has it. */
export function isWithin<Table extends 'audit_events' | 'sessions'>(
  network: string,
  builder: ExpressionBuilder<Tables, Table>,
): Expression<SqlBool> {
  const row = builder as unknown as ExpressionBuilder<Tables, 'audit_events' | 'sessions'>
  const { networks, patterns, addresses } = within(network)
  const found = row.or([
    row('network', 'in', networks),
    ...patterns.map((pattern) => row('network', 'like', pattern)),
  ])
  return addresses === undefined ? found : row.and([found, row('address', 'in', addresses)])
}

/** Whether a lockout is of an address, or of a network around it; or of a network, or within it. */
export function isLockedAt(place: string, row: ExpressionBuilder<Tables, 'lockouts'>): Expression<SqlBool> {
  const around = row('address', 'in', lockableAround(place))
  if (searchColumn(place) === 'address') return around
  const { networks, patterns, addresses } = within(place)
  if (addresses !== undefined) return row('address', 'in', addresses)
  const starts = networks.flatMap((network) => (network.includes(':') ? [network] : startOf(network)))
  const inside = [...starts, ...patterns].map((pattern) => row('address', 'like', pattern))
  return row.or([around, ...inside])
}

/** The addresses of a /24 begin alike. */
function startOf(network: string): string[] {
  return network.endsWith('.0/24') ? [network.replace(/0\/24$/, '%')] : []
}
