import { z } from 'zod'
import { LOCALES } from '../../domain/locale.ts'
import { echo, ValueError } from '../../schema/config-error.ts'
import { fromText, oneOrMany } from '../../schema/scalars.ts'

export const portalSchema = z.strictObject({
  /** Without a slash at its end; absent: the address that a request went to. */
  public_url: fromText(readUrl).optional(),
  /** Whether a password alone lets a user begin the first enrolment, or only an administrator's invitation. */
  enrol: z.enum(['password', 'invited']).default('password'),
  /** The first is for browsers that ask for none of these. */
  locale: oneOrMany(z.enum(LOCALES)).default(['en', 'zh-CN']),
})

export type PortalConfig = ReturnType<typeof resolvePortal>

/** Pages, cookies and links need a host of their own, so the address is only a scheme and a host. */
function readUrl(value: string): string | ValueError {
  const url = URL.parse(value)
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    return new ValueError(`${echo(value)} is not the address of a page`, 'write https://vpn.example.org, say')
  if (url.href === `${url.origin}/`) return url.origin
  return new ValueError(
    `${echo(value)} has more than a host`,
    `write ${url.origin}; the portal needs a host of its own`,
  )
}

export function resolvePortal({ public_url, enrol, locale }: z.output<typeof portalSchema>) {
  return { publicUrl: public_url, enrolsByPassword: enrol === 'password', locales: [...new Set(locale)] }
}
