/** A day of the calendar, as `2026-07-25`: sorts as text. */
export type Day = string

const DAY_MS = 86_400_000
/** No zone is further from UTC than 14 hours. */
const FARTHEST_MS = 15 * 3_600_000

/** @returns the day so many days later, or earlier where `days` is negative. */
export function addDays(day: Day, days: number): Day {
  return new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10)
}

/** @returns whether the text is a day that the calendar has. */
export function isDay(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) && addDays(text, 0) === text
}

/** The calendar of one time zone. */
export class SiteDays {
  readonly #format: Intl.DateTimeFormat
  /** The day that was asked for last, which nearly always is the one that is asked for next. */
  #last = { day: '', from: 0, until: 0 }

  /** @param zone an IANA name. @throws RangeError for any other. */
  constructor(zone: string) {
    this.#format = new Intl.DateTimeFormat('en-CA', {
      timeZone: zone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
    })
  }

  /** @param at wall milliseconds. */
  dayOf(at: number): Day {
    const { day, from, until } = this.#last
    if (at >= from && at < until) return day
    const found = this.#read(at)
    this.#last = { day: found, from: this.startOf(found), until: this.startOf(addDays(found, 1)) }
    return found
  }

  /** @returns the moment at which the day begins, in wall milliseconds: where summer time skips midnight, the first after it. */
  startOf(day: Day): number {
    const inUtc = Date.parse(day)
    let [before, within] = [inUtc - FARTHEST_MS, inUtc + FARTHEST_MS]
    while (within - before > 1) {
      const middle = Math.floor((before + within) / 2)
      if (this.#read(middle) < day) before = middle
      else within = middle
    }
    return within
  }

  #read(at: number): Day {
    const parts = Object.fromEntries(this.#format.formatToParts(at).map(({ type, value }) => [type, value]))
    return `${parts.year?.padStart(4, '0')}-${parts.month}-${parts.day}`
  }
}
