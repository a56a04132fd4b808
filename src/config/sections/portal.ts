import { z } from 'zod'
import { LOCALES } from '../../domain/locale.ts'
import { echo, ValueError } from '../../schema/config-error.ts'
import { fromText, oneOrMany, text } from '../../schema/scalars.ts'
import { passkeysSchema, resolvePasskeys } from './passkeys.ts'
import { resolveSingleSignOn, type SingleSignOnFiles, singleSignOnSchema } from './single-sign-on.ts'

const MAX_HELP_OCTETS = 400

export const portalSchema = z.strictObject({
  /** Without a slash at its end; absent: the address that a request went to. */
  public_url: fromText(readUrl).optional(),
  /** Whether a password alone lets a user begin the first enrolment, or only an administrator's invitation. */
  enrol: z.enum(['password', 'invited']).default('password'),
  /** The first is for browsers that ask for none of these. */
  locale: oneOrMany(z.enum(LOCALES)).default(['en', 'zh-CN']),
  passkeys: passkeysSchema.optional(),
  /** Whom users ask who are stuck, as every page shows it. */
  help: z
    .strictObject({
      text: text(MAX_HELP_OCTETS).optional(),
      mail: fromText(readMail).optional(),
      telephone: fromText(readTelephone).optional(),
    })
    .optional(),
  /** Beside password and code. */
  single_sign_on: singleSignOnSchema.optional(),
})

export type PortalConfig = ReturnType<typeof resolvePortal>

/** First parts of the broker's own paths: below one of them, a path that a proxy took away could not be told. */
const OWN = new Set([
  ...[
    'api',
    'approve',
    'assets',
    'attempts',
    'authenticator',
    'choose-password',
    'code',
    'desk',
    'docs',
    'done',
    'enrol',
    'healthz',
    'language',
    'metrics',
    'readyz',
  ],
  ...[
    'password',
    'passkeys',
    'recovery-codes',
    'sign-in',
    'sign-out',
    'sessions',
    'sign-out-everywhere',
    'trusts',
    'unsent',
  ],
])

/** A scheme and a host, and a path where other pages have the same host. */
function readUrl(value: string): string | ValueError {
  const url = URL.parse(value)
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    return new ValueError(`${echo(value)} is not the address of a page`, 'write https://vpn.example.org, say')
  const path = url.pathname.replace(/\/$/, '')
  const address = `${url.origin}${path}`
  if (url.href.replace(/\/$/, '') !== address || !/^(?:\/[\w.~-]+)*$/.test(path))
    return new ValueError(
      `${echo(value)} has more than a host and a plain path`,
      `write ${url.origin}/vpn, say`,
    )
  const [, first = ''] = path.split('/')
  if (OWN.has(first))
    return new ValueError(
      `${echo(value)} has a path of the broker's own`,
      `write ${url.origin}/vpn, or ${url.origin} for a host of its own`,
    )
  return address
}

/** What a link can hold as it stands: no spaces, and no second address or header after the first. */
function readMail(value: string): string | ValueError {
  return /^[\w.+-]+@[\w-]+(?:\.[\w-]+)*$/.test(value)
    ? value
    : new ValueError(`${echo(value)} is not a mail address`, 'write help@example.org, say')
}

function readTelephone(value: string): string | ValueError {
  return /^\+?\d[\d ()/.-]{2,30}$/.test(value)
    ? value
    : new ValueError(`${echo(value)} is not a telephone number`, 'write "+49 69 555 0100", say')
}

export function resolvePortal(
  { public_url, enrol, locale, help, passkeys, single_sign_on }: z.output<typeof portalSchema>,
  singleSignOn: SingleSignOnFiles,
) {
  return {
    publicUrl: public_url,
    enrolsByPassword: enrol === 'password',
    locales: [...new Set(locale)],
    help,
    singleSignOn: resolveSingleSignOn(single_sign_on, public_url, singleSignOn),
    passkeys: resolvePasskeys(public_url, passkeys),
  }
}
