import { type RollOutCounts, STANDINGS } from '../../domain/people.ts'
import { addDays, type Day } from '../../domain/site-days.ts'
import { searchText } from './filters.ts'
import { PEOPLE_PATH } from './people-list.ts'

const WEEKS = 12
/** Sizes of the charts, in their own units. */
const WIDTH = 300
const STEP = WIDTH / WEEKS
const BAR_WIDTH = 18
const HEIGHT = 60
/** What there is at all is seen. */
const LEAST = 0.8

/** The last day of each week of the chart, the latest last. */
export function weeksUntil(today: Day): readonly Day[] {
  return Array.from({ length: WEEKS }, (_, index) => addDays(today, -7 * (WEEKS - 1 - index)))
}

/**
 * Where people stand as one bar in parts, and those who had a second factor at the end of each week as one bar a week,
 * against all there are today.
 */
export function rollOutChart(
  { standings, enrolledBefore }: RollOutCounts,
  weeks: readonly Day[],
  group?: string,
) {
  const total = STANDINGS.reduce((sum, standing) => sum + standings[standing], 0)
  let x = 0
  const parts = STANDINGS.map((standing) => {
    const count = standings[standing]
    const width = share(count, total, WIDTH)
    const part = { standing, count, percent: total === 0 ? 0 : Math.round((100 * count) / total), x, width }
    x += width
    return { ...part, href: searchText(PEOPLE_PATH, { filter: standing, group }) }
  })
  return {
    total,
    parts,
    /** With the least widths the parts may be more than the whole. */
    partsWidth: Math.max(x, WIDTH),
    weeks: weeks.map((day, index) => {
      const count = enrolledBefore[index] ?? 0
      const height = share(count, total, HEIGHT)
      const href = searchText(PEOPLE_PATH, { filter: 'enrolled', group, until: day })
      return { day, count, href, x: index * STEP + (STEP - BAR_WIDTH) / 2, y: HEIGHT - height, height }
    }),
    ...{ width: WIDTH, step: STEP, barWidth: BAR_WIDTH, height: HEIGHT },
  }
}

/** To a tenth. */
function share(count: number, most: number, whole: number): number {
  if (count === 0) return 0
  return Math.max(LEAST, Math.round((count / most) * whole * 10) / 10)
}
