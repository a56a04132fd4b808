import { z } from 'zod'
import { DAY_MINUTES, type TimeWindow, WEEKDAYS, type Weekday } from '../../domain/time-window.ts'
import { echo, type Path, ValueError } from '../../schema/config-error.ts'
import { fromText } from '../../schema/scalars.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { PartialConfig } from '../partial-config.ts'
import { timeZone } from '../time-zone.ts'

/** Hours of some days; without hours the whole day, without days every day. */
export const timesSchema = z.strictObject({
  days: z
    .array(fromText(readDays))
    .min(1)
    .default([[...WEEKDAYS]]),
  from: fromText((text) => readTime(text, DAY_MINUTES - 1)).default(0),
  to: fromText((text) => readTime(text, DAY_MINUTES)).default(DAY_MINUTES),
  zone: timeZone().default('UTC'),
})

const NAMES: readonly string[] = WEEKDAYS

type Parsed = z.output<typeof timesSchema>

/** `mon`, `mon-fri`, or over the end of the week `fri-mon`. */
function readDays(text: string): readonly Weekday[] | ValueError {
  const [first = '', last = first, ...rest] = text.toLowerCase().split('-')
  const [from, to] = [first, last].map((day) => NAMES.indexOf(day.trim()))
  if (from === undefined || to === undefined || from < 0 || to < 0 || rest.length > 0)
    return new ValueError(`${echo(text)} names no days`, `write ${WEEKDAYS.join(', ')}, or mon-fri`)
  const count = ((to - from + WEEKDAYS.length) % WEEKDAYS.length) + 1
  return [...WEEKDAYS, ...WEEKDAYS].slice(from, from + count)
}

/** Minutes since midnight. */
function readTime(text: string, most: number): number | ValueError {
  const [, hours, minutes] = /^(\d{2}):([0-5]\d)$/.exec(text) ?? []
  const time = Number(hours) * 60 + Number(minutes)
  return time <= most ? time : new ValueError(`${echo(text)} is not a time of day`, 'write "08:00", say')
}

export function checkTimes(
  times: readonly (PartialConfig<Parsed> | undefined)[],
  path: Path,
  diagnostics: Diagnostics,
): void {
  for (const [index, { from, to } = {}] of times.entries())
    if (from !== undefined && from === to)
      diagnostics.fault(
        [...path, index],
        'ends when it begins',
        'leave from and to out for the whole day, or write another time',
      )
}

export function resolveTimes(times: readonly Parsed[] | undefined): readonly TimeWindow[] | undefined {
  return times?.map(({ days, ...hours }) => ({ ...hours, days: [...new Set(days.flat())] }))
}
