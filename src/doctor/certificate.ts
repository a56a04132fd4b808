import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Clock } from '../domain/clock.ts'
import type { Check, Finding } from './finding.ts'

const DAY_MS = 86_400_000
const SOON_DAYS = 21

/** For how long browsers go on to believe the HTTP server's certificate. @param file PEM. */
export function checkCertificate(file: string, clock: Clock): Check {
  return async () => {
    const about = `certificate ${file}`
    try {
      return [judge(about, new X509Certificate(await readFile(file)), clock.now())]
    } catch (error) {
      return [{ about, level: 'fault', says: error instanceof Error ? error.message : String(error) }]
    }
  }
}

function judge(about: string, { validFrom, validTo }: X509Certificate, now: number): Finding {
  const days = Math.floor((Date.parse(validTo) - now) / DAY_MS)
  const advice = 'put a new one in its place: the broker takes it on by itself'
  if (Date.parse(validFrom) > now)
    return { about, level: 'fault', says: `is not valid before ${validFrom}`, advice }
  if (days < 0) return { about, level: 'fault', says: `ended ${validTo}`, advice }
  const says = `is valid for ${days} more days`
  return days < SOON_DAYS ? { about, level: 'warning', says, advice } : { about, level: 'good', says }
}
