import type { Locale } from '../../domain/locale.ts'
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

/** @returns the server's local time with its zone. */
export function timeText(at: number, locale: Locale): string {
  return new Intl.DateTimeFormat(dateLocale(locale), {
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
  }).format(at)
}

/** A moment; the script shows it in the browser's time zone. */
export function timeElement(at: number, locale: Locale): Html {
  return new Html(`<time datetime="${new Date(at).toISOString()}">${timeText(at, locale)}</time>`)
}

const TIME_OF_DAY = { hour: '2-digit', minute: '2-digit' } as const
const TO_THE_SECOND = { month: 'short', day: 'numeric', ...TIME_OF_DAY, second: '2-digit' } as const

/** A time of the last day, `14:07`. */
export function clockElement(at: number, locale: Locale): Html {
  return styledElement('clock', at, locale, TIME_OF_DAY)
}

/** `2 Mar, 14:07:31`. */
export function secondElement(at: number, locale: Locale): Html {
  return styledElement('second', at, locale, TO_THE_SECOND)
}

/** @param style by which the script knows how the moment is to be shown. */
function styledElement(style: string, at: number, locale: Locale, options: Intl.DateTimeFormatOptions): Html {
  const [iso, title] = [new Date(at).toISOString(), timeText(at, locale)]
  const shown = new Intl.DateTimeFormat(dateLocale(locale), options).format(at)
  return new Html(`<time datetime="${iso}" data-style="${style}" title="${title}">${shown}</time>`)
}

/** How long ago a moment was, or how long it is until then; the script keeps it up to date. */
export function agoElement(at: number, now: number, locale: Locale): Html {
  const shown = agoText(at, now, locale)
  const [iso, title] = [new Date(at).toISOString(), timeText(at, locale)]
  return new Html(`<time datetime="${iso}" data-ago title="${title}">${shown}</time>`)
}

function agoText(at: number, now: number, locale: Locale): string {
  const relative = new Intl.RelativeTimeFormat(locale, { style: 'short' })
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
  return spaced(new Intl.DurationFormat(locale, { style }).format(parts))
}

/** `14:00` by the server's clock. */
export function hourText(at: number, locale: Locale): string {
  return new Intl.DateTimeFormat(dateLocale(locale), { hour: '2-digit', minute: '2-digit' }).format(at)
}

/** `12.3 MB`. @param octets of traffic. */
export function trafficText(octets: number, locale: Locale): string {
  const [unit, size] =
    octets >= 1e9 ? ['gigabyte', 1e9] : octets >= 1e6 ? ['megabyte', 1e6] : ['kilobyte', 1e3]
  const style = { style: 'unit', unit: String(unit), maximumFractionDigits: 1 } as const
  return new Intl.NumberFormat(locale, style).format(octets / Number(size))
}
