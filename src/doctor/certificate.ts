import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Clock } from '../domain/clock.ts'
import { type Check, type Finding, fault, ok, warning } from './finding.ts'

const DAY_MS = 86_400_000
const SOON_DAYS = 21
const ADVICE = 'replace it: the broker reads the new one by itself'

/** Whether a certificate of the broker's is valid, and for how long. @param file PEM. */
export function checkCertificate(file: string, clock: Clock): Check {
  return async () => {
    const about = `certificate ${file}`
    try {
      return [validity(about, new X509Certificate(await readFile(file)), clock.now())]
    } catch (error) {
      return [fault(about, error)]
    }
  }
}

function validity(about: string, { validFrom, validTo }: X509Certificate, now: number): Finding {
  const days = Math.floor((Date.parse(validTo) - now) / DAY_MS)
  if (Date.parse(validFrom) > now) return fault(about, `is not valid before ${validFrom}`, ADVICE)
  if (days < 0) return fault(about, `expired ${validTo}`, ADVICE)
  const says = `is valid for ${days} more days`
  return days < SOON_DAYS ? warning(about, says, ADVICE) : ok(about, says)
}
