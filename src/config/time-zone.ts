import { isTimeZone } from '../domain/time-window.ts'
import { echo, ValueError } from '../schema/config-error.ts'
import { fromText } from '../schema/scalars.ts'
import { closest } from './closest.ts'

/** The IANA name of a time zone. */
export function timeZone() {
  return fromText(readZone)
}

function readZone(text: string): string | ValueError {
  if (isTimeZone(text)) return text
  const known = Intl.supportedValuesOf('timeZone')
  // Many know the city and not the continent.
  const ofCity = known.find((zone) => zone.toLowerCase().endsWith(`/${text.toLowerCase()}`))
  return new ValueError(
    `this machine knows no time zone ${echo(text)}`,
    `did you mean ${ofCity ?? closest(text, known) ?? 'Europe/Berlin'}?`,
  )
}
