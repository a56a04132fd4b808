import { z } from 'zod'
import type { Locale } from '../../domain/words.ts'
import { echo, Slip } from '../fault.ts'
import { oneOrMany, readText, scalar } from '../scalars.ts'

export const portalShape = z.strictObject({
  public_url: scalar(readUrl).optional(),
  locale: oneOrMany(z.enum(['en', 'zh-CN'])).default(['en', 'zh-CN']),
})

export interface PortalConfig {
  /** Where users reach the pages, without a slash at its end; absent: wherever a request went to. */
  readonly publicUrl?: string
  /** The first is for browsers that ask for none of these. */
  readonly locales: readonly Locale[]
}

/** Pages, cookies and links take the whole host, so the address is a scheme and a host. */
function readUrl(raw: unknown): string | Slip {
  const value = readText(raw)
  if (value instanceof Slip) return value
  const url = URL.parse(value)
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    return new Slip(`${echo(value)} is not the address of a page`, 'write https://vpn.example.org, say')
  const whole = `${url.origin}/`
  return url.href === whole
    ? url.origin
    : new Slip(
        `${echo(value)} has more than a host`,
        `write ${url.origin}; the portal needs a host of its own`,
      )
}

export function resolvePortal({ public_url, locale }: z.output<typeof portalShape>): PortalConfig {
  return { ...(public_url !== undefined && { publicUrl: public_url }), locales: [...new Set(locale)] }
}
