import { type QueryCreator, sql } from 'kysely'
import { WIDER_NETWORKS } from '../../domain/network.ts'
import { locksOnEither, type Places } from '../locks-in-force.ts'
import type { Param } from '../prepared.ts'
import type { Tables } from '../schema.ts'

type BarringValues = Places & {
  readonly user: string
  readonly alias: string
  readonly subject: string | null
  readonly place: string
  readonly now: number
  readonly since: number
  readonly exempt: number
}

/** The locks that `blocks` of the domain says bar the login. */
export function barring(db: QueryCreator<Tables>, value: Param<BarringValues>) {
  const isExempt = sql<boolean>`cast(${value('exempt')} as integer) = 1`
  return db
    .selectFrom(locksOnEither(db, value).as('locks'))
    .selectAll()
    .where((row) => {
      const isKnown = row.exists(
        db
          .selectFrom('sessions')
          .select('id')
          .where('subject', '=', value('subject'))
          .where('granted_at', '>=', value('since'))
          .where((session) =>
            session.or([session('address', '=', value('place')), session('network', '=', value('place'))]),
          ),
      )
      const isWider = row.and([
        row('scope', '=', 'address'),
        row.or(WIDER_NETWORKS.map(({ bits }) => row('address', 'like', `%/${bits}`))),
      ])
      return row.or([
        row('cause', '=', 'by_hand'),
        row.not(
          row.or([
            row.and([row.or([row('scope', '=', 'user'), isWider]), isKnown]),
            row.and([isExempt, row('cause', '=', 'failures')]),
          ]),
        ),
      ])
    })
}
