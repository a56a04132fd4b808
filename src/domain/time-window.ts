/** The days of a week in their order. */
export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

export type Weekday = (typeof WEEKDAYS)[number]

/** Minutes of a day. */
export const DAY_MINUTES = 24 * 60

/** Hours of some days by the clocks on the wall of a time zone. */
export interface TimeWindow {
  /** The days on which it begins. */
  readonly days: readonly Weekday[]
  /** Minutes since midnight, from 0. */
  readonly from: number
  /** Minutes since midnight, up to `DAY_MINUTES`; it is over then. Before `from`: on the day after. */
  readonly to: number
  /** IANA name. */
  readonly zone: string
}

interface WallTime {
  readonly day: number
  readonly minute: number
}

/**
 * Whether the wall clock of the window's zone shows a time within it. Where clocks are put back, the hour that comes twice
 * counts twice; where they are put forward, the hour that is left out is nobody's.
 * @param at wall milliseconds.
 */
export function isWithinWindow({ days, from, to, zone }: TimeWindow, at: number): boolean {
  const { day, minute } = wallTime(zone, at)
  const beginsOn = (index: number) => days.includes(WEEKDAYS[index] as Weekday)
  if (from < to) return beginsOn(day) && minute >= from && minute < to
  return (beginsOn(day) && minute >= from) || (beginsOn((day + 6) % 7) && minute < to)
}

const formats = new Map<string, Intl.DateTimeFormat>()

function wallTime(zone: string, at: number): WallTime {
  let format = formats.get(zone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    })
    formats.set(zone, format)
  }
  const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]))
  const day = WEEKDAYS.indexOf((parts.get('weekday') ?? '').toLowerCase() as Weekday)
  return { day, minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) }
}

/** Whether this machine knows the time zone by this IANA name. */
export function isTimeZone(zone: string): boolean {
  // Offsets such as +02:00 are no zones: they know no summer time.
  if (!/^[A-Za-z]/.test(zone)) return false
  try {
    new Intl.DateTimeFormat('en-GB', { timeZone: zone })
    return true
  } catch {
    return false
  }
}
