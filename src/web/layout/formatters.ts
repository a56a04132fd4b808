import type { Locale } from '../../domain/locale.ts'

/** Makes a formatter once for each language: making one takes up to sixty times as long as using it. */
export function onceForEach<Formatter>(make: (locale: Locale) => Formatter): (locale: Locale) => Formatter {
  const made = new Map<Locale, Formatter>()
  return (locale) => {
    let formatter = made.get(locale)
    if (formatter === undefined) {
      formatter = make(locale)
      made.set(locale, formatter)
    }
    return formatter
  }
}

const counts = onceForEach((locale) => new Intl.NumberFormat(locale))

/** `12,345`. */
export function countText(count: number, locale: Locale): string {
  return counts(locale).format(count)
}
