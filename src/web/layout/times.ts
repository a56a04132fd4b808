import type { Locale } from '../../domain/locale.ts'
import type { Day } from '../../domain/site-days.ts'
import { onceForEach } from './formatters.ts'
import { Html } from './html.ts'

const MINUTE_S = 60
const HOUR_S = 3600
const DAY_S = 86_400

/** British dates in English: the day before the month. */
function dateLocale(locale: Locale): string {
  return locale === 'en' ? 'en-GB' : locale
}

/** Chinese typography puts a space between a number and the characters beside it; Intl does not. */
function spaced(text: string): string {
  return text.replace(/(\d)(?=\p{Script=Han})|(\p{Script=Han})(?=\d)/gu, '$& ')
}

const TIME_OF_DAY = { hour: '2-digit', minute: '2-digit' } as const
const DAY = { month: 'short', day: 'numeric' } as const

const dates = (options: Intl.DateTimeFormatOptions) =>
  onceForEach((locale) => new Intl.DateTimeFormat(dateLocale(locale), options))
const wholeTimes = dates({ year: 'numeric', ...DAY, ...TIME_OF_DAY, timeZoneName: 'short' })
const timesOfDay = dates(TIME_OF_DAY)
const timesToTheSecond = dates({ ...DAY, ...TIME_OF_DAY, second: '2-digit' })
const relativeTimes = onceForEach((locale) => new Intl.RelativeTimeFormat(locale, { style: 'short' }))
const durations = {
  narrow: onceForEach((locale) => new Intl.DurationFormat(locale, { style: 'narrow' })),
  long: onceForEach((locale) => new Intl.DurationFormat(locale, { style: 'long' })),
}
const octetCounts = (unit: string) =>
  onceForEach((locale) => new Intl.NumberFormat(locale, { style: 'unit', unit, maximumFractionDigits: 1 }))
const octetUnits = [
  { size: 1e9, format: octetCounts('gigabyte') },
  { size: 1e6, format: octetCounts('megabyte') },
] as const
const KILOBYTES = { size: 1e3, format: octetCounts('kilobyte') }

/** @returns the server's local time with its zone. */
export function timeText(at: number, locale: Locale): string {
  return wholeTimes(locale).format(at)
}

/** A moment; the script shows it in the browser's time zone. */
export function timeElement(at: number, locale: Locale): Html {
  return new Html(`<time datetime="${new Date(at).toISOString()}">${timeText(at, locale)}</time>`)
}

/** A time of the last day, `14:07`. */
export function clockElement(at: number, locale: Locale): Html {
  return styledElement('clock', at, timesOfDay(locale).format(at), locale)
}

/** `2 Mar, 14:07:31`. */
export function secondElement(at: number, locale: Locale): Html {
  return styledElement('second', at, timesToTheSecond(locale).format(at), locale)
}

/** @param style by which the script knows how the moment is to be shown. */
function styledElement(style: string, at: number, shown: string, locale: Locale): Html {
  const [iso, title] = [new Date(at).toISOString(), timeText(at, locale)]
  return new Html(`<time datetime="${iso}" data-style="${style}" title="${title}">${shown}</time>`)
}

/** How long ago a moment was, or how long it is until then; the script keeps it up to date. */
export function agoElement(at: number, now: number, locale: Locale): Html {
  const shown = agoText(at, now, locale)
  const [iso, title] = [new Date(at).toISOString(), timeText(at, locale)]
  return new Html(`<time datetime="${iso}" data-ago title="${title}">${shown}</time>`)
}

function agoText(at: number, now: number, locale: Locale): string {
  const relative = relativeTimes(locale)
  const seconds = Math.trunc((at - now) / 1000)
  const distance = Math.abs(seconds)
  if (distance < MINUTE_S) return spaced(relative.format(seconds, 'second'))
  if (distance < HOUR_S) return spaced(relative.format(Math.round(seconds / MINUTE_S), 'minute'))
  if (distance < DAY_S) return spaced(relative.format(Math.round(seconds / HOUR_S), 'hour'))
  return spaced(relative.format(Math.round(seconds / DAY_S), 'day'))
}

/** `2h 3m`, to the minute; below a minute the seconds. @param ms milliseconds. */
export function durationText(ms: number, locale: Locale, style: 'narrow' | 'long' = 'narrow'): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  const parts =
    seconds < MINUTE_S
      ? { seconds }
      : {
          days: Math.floor(seconds / DAY_S),
          hours: Math.floor((seconds % DAY_S) / HOUR_S),
          minutes: Math.floor((seconds % HOUR_S) / MINUTE_S),
        }
  return spaced(durations[style](locale).format(parts))
}

/** `14:00` by the server's clock. */
export function hourText(at: number, locale: Locale): string {
  return timesOfDay(locale).format(at)
}

/** `25 Jul 2026`. */
export function dayText(day: Day, locale: Locale): string {
  const format = { dateStyle: 'medium', timeZone: 'UTC' } as const
  return new Intl.DateTimeFormat(dateLocale(locale), format).format(Date.parse(day))
}

/** `12.3 MB`. @param octets of traffic. */
export function trafficText(octets: number, locale: Locale): string {
  const { size, format } = octetUnits.find((unit) => octets >= unit.size) ?? KILOBYTES
  return format(locale).format(octets / size)
}
