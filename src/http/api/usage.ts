import { isDay } from '../../domain/site-days.ts'
import type { Usage, UsageKey, UsageSearch } from '../../domain/usage.ts'
import { Problem } from '../problem.ts'
import type { HttpServices } from '../services.ts'
import type { Call, Handlers } from './call.ts'
import { pageFrom, pageOf, wrongCursor } from './page.ts'
import { sendFile } from './record-file.ts'
import { usageFile, usageWire } from './usage-file.ts'

/** What was used. */
export function usageRoutes({ records }: HttpServices): Handlers {
  return {
    async listUsage(call) {
      const search = searchIn(call)
      const { after, limit } = pageOf(call)
      const found = await records.usage.list({
        ...search,
        after: after === undefined ? undefined : rowOf(after, search),
        limit,
      })
      return pageFrom(found, { after, limit }, (usage) => usageWire(usage, search.by), keyOf)
    },

    async exportUsage(call) {
      const search = searchIn(call)
      await sendFile<Usage>(call.response, {
        name: 'usage',
        form: usageFile(search.by, search.perDay === true)[call.query('format') === 'csv' ? 'csv' : 'ndjson'],
        chunk: (after, limit) => records.usage.list({ ...search, after, limit }),
        most: call.number('limit'),
      })
      return undefined
    },
  }
}

function searchIn(call: Call): Omit<UsageSearch, 'after' | 'limit'> {
  return {
    user: call.query('user'),
    gateway: call.query('gateway'),
    policy: call.query('policy'),
    from: dayIn(call, 'from'),
    to: dayIn(call, 'to'),
    by: call.query('by') as UsageKey | undefined,
    perDay: call.query('per') === 'day',
  }
}

/** @throws Problem */
function dayIn(call: Call, parameter: 'from' | 'to'): string | undefined {
  const day = call.query(parameter)
  if (day === undefined || isDay(day)) return day
  throw new Problem('invalid-request', { errors: [{ path: `/query/${parameter}`, message: 'is not a day' }] })
}

/** A row in a cursor: a day has no blank. */
function keyOf({ key, day = '' }: Usage): string {
  return key === undefined ? day : `${day} ${key}`
}

/** @throws Problem for the cursor of another list. */
function rowOf(text: string, { by, perDay }: Pick<UsageSearch, 'by' | 'perDay'>): Pick<Usage, 'key' | 'day'> {
  const [, day = '', key] = /^([^ ]*)(?: (.*))?$/s.exec(text) ?? []
  const isOfThisList = (key !== undefined) === (by !== undefined) && (perDay ? isDay(day) : day === '')
  if (!isOfThisList) throw wrongCursor()
  return { key, day: day === '' ? undefined : day }
}
