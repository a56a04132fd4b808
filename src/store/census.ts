import { type Census, type CensusTaker, MAX_COUNTED } from '../domain/census.ts'
import { isIn } from './session-standing.ts'
import { SqlRepository } from './sql-repository.ts'

export class SqlCensus extends SqlRepository implements CensusTaker {
  async take(now: number): Promise<Census> {
    const [lockouts, sessions] = await Promise.all([this.#lockouts(now), this.#sessions(now)])
    return { lockouts, sessions }
  }

  async #lockouts(now: number): Promise<Census['lockouts']> {
    const inForce = this.db
      .selectFrom('lockouts')
      .select(['scope', 'cause'])
      .where('released_at', 'is', null)
      .where('ends_at', '>', now)
      .limit(MAX_COUNTED)
    const rows = await this.db
      .selectFrom(inForce.as('some'))
      .select(['scope', 'cause'])
      .select((select) => select.fn.countAll<number | string>().as('count'))
      .groupBy(['scope', 'cause'])
      .execute()
    return rows.map((row) => ({ ...row, count: Number(row.count) }))
  }

  async #sessions(now: number): Promise<Census['sessions']> {
    const standing = this.db
      .selectFrom('sessions')
      .select('gateway')
      .select((row) =>
        row
          .case()
          .when(isIn('open', now, row))
          .then('open' as const)
          .when(isIn('granted', now, row))
          .then('granted' as const)
          .else('silent' as const)
          .end()
          .as('state'),
      )
      .where('stopped_at', 'is', null)
      .limit(MAX_COUNTED)
    const rows = await this.db
      .selectFrom(standing.as('some'))
      .select(['gateway', 'state'])
      .select((select) => select.fn.countAll<number | string>().as('count'))
      .groupBy(['gateway', 'state'])
      .execute()
    return rows.map((row) => ({ ...row, count: Number(row.count) }))
  }
}
