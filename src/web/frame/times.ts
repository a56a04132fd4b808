import type { Locale } from '../../domain/words.ts'

const MINUTE_S = 60
const HOUR_S = 3600
const DAY_S = 86_400

/** The day before the month, so that nobody takes one for the other. */
function shownIn(locale: Locale): string {
  return locale === 'en' ? 'en-GB' : locale
}

/** @returns the server's time with its zone. */
function timeText(at: number, locale: Locale): string {
  return new Intl.DateTimeFormat(shownIn(locale), {
    ...{ year: 'numeric', month: 'short', day: 'numeric' },
    ...{ hour: '2-digit', minute: '2-digit', timeZoneName: 'short' },
  }).format(at)
}

/** A moment; the script puts the browser's own time in the place of the server's. */
export function timeElement(at: number, locale: Locale): string {
  return `<time datetime="${new Date(at).toISOString()}">${timeText(at, locale)}</time>`
}

/** How long ago a moment was, or how long it is until then; a script may count on. */
export function agoElement(at: number, now: number, locale: Locale): string {
  const shown = agoText(at, now, locale)
  return `<time datetime="${new Date(at).toISOString()}" data-ago title="${timeText(at, locale)}">${shown}</time>`
}

function agoText(at: number, now: number, locale: Locale): string {
  const words = new Intl.RelativeTimeFormat(locale, { style: 'short' })
  const seconds = Math.trunc((at - now) / 1000)
  const far = Math.abs(seconds)
  if (far < MINUTE_S) return words.format(seconds, 'second')
  if (far < HOUR_S) return words.format(Math.round(seconds / MINUTE_S), 'minute')
  if (far < DAY_S) return words.format(Math.round(seconds / HOUR_S), 'hour')
  return words.format(Math.round(seconds / DAY_S), 'day')
}

/** `2h 3m`, to the minute; below a minute the seconds. @param ms milliseconds. */
export function durationText(ms: number, locale: Locale): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  const parts =
    seconds < MINUTE_S
      ? { seconds }
      : {
          days: Math.floor(seconds / DAY_S),
          hours: Math.floor((seconds % DAY_S) / HOUR_S),
          minutes: Math.floor((seconds % HOUR_S) / MINUTE_S),
        }
  return new Intl.DurationFormat(locale, { style: 'narrow' }).format(parts)
}

/** `14:00` by the server's clock. */
export function hourText(at: number, locale: Locale): string {
  const time = { hour: '2-digit', minute: '2-digit' } as const
  return new Intl.DateTimeFormat(shownIn(locale), time).format(at)
}

/** `12.3 MB`. @param octets of traffic. */
export function trafficText(octets: number, locale: Locale): string {
  const [unit, size] =
    octets >= 1e9 ? ['gigabyte', 1e9] : octets >= 1e6 ? ['megabyte', 1e6] : ['kilobyte', 1e3]
  const style = { style: 'unit', unit: String(unit), maximumFractionDigits: 1 } as const
  return new Intl.NumberFormat(locale, style).format(octets / Number(size))
}
