import { z } from 'zod'
import type { Secret } from '../../domain/secret.ts'
import { echo, type Path, ValueError } from '../../schema/config-error.ts'
import { filePath, fromText, text } from '../../schema/scalars.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { PartialConfig } from '../partial-config.ts'
import { hostOf, isLocalHost, readAuthorities, readNamedSecret } from './remote-server.ts'

const WELL_KNOWN = /\/\.well-known\/openid-configuration\/?$/

/** The sign-in through an OpenID Connect provider, at the portal and the desk. */
export const singleSignOnSchema = z.strictObject({
  /** On the button of the sign-in page. */
  name: text(),
  issuer: fromText(readIssuer),
  client_id: text(),
  client_secret_file: filePath(),
  /** How the broker shows its secret to the provider. */
  client_authentication: z.enum(['basic', 'post']).default('basic'),
  ca_file: filePath().optional(),
  /** Beside `openid`. */
  scopes: z.array(fromText(readScope)).default(['profile', 'email']),
  claims: z.strictObject({
    /** Holds the name that the user would type at the portal. */
    user: text(),
    /** Absent: roles go by the groups of the identity stores alone. */
    groups: text().optional(),
  }),
  /** Absent: the sign-in is one factor, and the broker asks for the code. */
  second_factor: z
    .strictObject({ acr: z.array(text()).default([]), amr: z.array(text()).default([]) })
    .optional(),
  /** Whether a sign-out also ends the session at the provider. */
  logout: z.boolean().default(true),
})

type Parsed = z.output<typeof singleSignOnSchema>
export type SingleSignOnConfig = NonNullable<ReturnType<typeof resolveSingleSignOn>>

const PATH: Path = ['portal', 'single_sign_on']

export function checkSingleSignOn(
  { issuer, second_factor: factor }: PartialConfig<Parsed>,
  publicUrl: string | undefined,
  diagnostics: Diagnostics,
): void {
  if (!diagnostics.given(['http']))
    diagnostics.fault(PATH, 'needs the section http', 'add the section http, which serves the portal')
  if (!diagnostics.given(['portal', 'public_url']))
    diagnostics.fault(
      PATH,
      'needs portal.public_url, to which the provider sends the browser back',
      'add public_url: https://vpn.example.org, say',
    )
  if (publicUrl?.startsWith('http:') && !isLocalHost(hostOf(new URL(publicUrl))))
    diagnostics.fault(
      ['portal', 'public_url'],
      'without TLS, the answers of the single sign-on cross the network unencrypted',
      'write https://',
    )
  const url = issuer === undefined ? undefined : new URL(issuer)
  if (url?.protocol === 'http:' && !isLocalHost(hostOf(url)))
    diagnostics.fault([...PATH, 'issuer'], `${echo(url.href)} is not protected by TLS`, 'write https://')
  if (url?.protocol === 'http:' && diagnostics.given([...PATH, 'ca_file']))
    diagnostics.fault([...PATH, 'ca_file'], 'has no meaning without TLS', 'write https:// as issuer')
  if (factor?.acr?.length === 0 && factor.amr?.length === 0)
    diagnostics.fault(
      [...PATH, 'second_factor'],
      'names neither acr nor amr',
      'name what the provider says of a sign-in with two factors, or leave the section out',
    )
  for (const [index, method] of (factor?.amr ?? []).entries()) {
    if (method === 'pwd' || method === 'pin')
      diagnostics.fault(
        [...PATH, 'second_factor', 'amr', index],
        `${method} says that something known was shown, which is one factor (RFC 8176)`,
        'name mfa, otp or hwk, say',
      )
  }
}

/** What the files hold that the section names. */
export interface SingleSignOnFiles {
  readonly secret?: Secret
  readonly authorities?: string
}

export async function readSingleSignOnFiles(
  section: PartialConfig<Parsed> | undefined,
  folder: string,
  diagnostics: Diagnostics,
): Promise<SingleSignOnFiles> {
  const at = (key: string) => [...PATH, key]
  return {
    secret: await readNamedSecret(folder, section?.client_secret_file, at('client_secret_file'), diagnostics),
    authorities: await readAuthorities(folder, section?.ca_file, at('ca_file'), diagnostics),
  }
}

export function resolveSingleSignOn(
  parsed: Parsed | undefined,
  publicUrl: string | undefined,
  { secret, authorities }: SingleSignOnFiles,
) {
  if (parsed === undefined || publicUrl === undefined || secret === undefined) return undefined
  return {
    name: parsed.name,
    issuer: parsed.issuer,
    clientId: parsed.client_id,
    secret,
    authentication: parsed.client_authentication,
    authorities,
    scopes: [...new Set(['openid', ...parsed.scopes])],
    rules: {
      userClaim: parsed.claims.user,
      groupsClaim: parsed.claims.groups,
      acr: parsed.second_factor?.acr ?? [],
      amr: parsed.second_factor?.amr ?? [],
    },
    logout: parsed.logout,
    publicUrl,
  }
}

/** RFC 8414 §2: a URL without query and fragment. */
function readIssuer(value: string): string | ValueError {
  const url = URL.parse(value)
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === '')
    return new ValueError(`${echo(value)} is no URL`, 'write the issuer as the provider shows it: https://…')
  if (url.username !== '' || url.password !== '')
    return new ValueError('holds a password', 'put the secret into client_secret_file')
  if (url.search !== '' || url.hash !== '')
    return new ValueError(`${echo(value)} has more than a host and a path`, 'leave out what follows ? or #')
  if (WELL_KNOWN.test(url.pathname))
    return new ValueError(
      `${echo(value)} is where the provider describes itself`,
      `write ${value.replace(WELL_KNOWN, '')}`,
    )
  return value
}

/** RFC 6749 §3.3 */
function readScope(value: string): string | ValueError {
  return /^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/.test(value)
    ? value
    : new ValueError(`${echo(value)} is no scope`, 'write profile, email or groups, say')
}
