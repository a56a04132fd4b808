import { Unavailable } from '../domain/errors.ts'
import type { BrokerOptions } from './broker.ts'
import { AgentRefused } from './refused.ts'

/** As Node and OpenSSL name what is wrong with a certificate. */
const CERTIFICATE =
  /CERT|UNABLE_TO_|ALTNAME|ERR_TLS_|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH|INVALID_PURPOSE/
const NO_TLS = /EPROTO|ERR_SSL_|WRONG_VERSION/

/**
 * What a request came to that was not answered as it should be.
 *
 * @param cause the status of the answer, or the error.
 * @param words the broker's own, or the error's.
 */
export function refusalOf(
  cause: unknown,
  words: string,
  { url, gateway }: Pick<BrokerOptions, 'url' | 'gateway'>,
): Error {
  if (cause instanceof AgentRefused || cause instanceof Unavailable) return cause
  const said = words === '' ? '' : ` (${words})`
  switch (cause) {
    case 401:
      return new AgentRefused(
        'token',
        `${url.origin} refuses the token: it is revoked, expired or another broker's${said}. Make another: ocbroker token create --name agent-${gateway} --scope gateway:${gateway}`,
      )
    case 403:
      return new AgentRefused(
        'gateway',
        `${url.origin} refuses this token for the gateway ${gateway}${said}. It must have the scope gateway:${gateway}, and this machine must be in http.allow`,
      )
    case 404:
      return new AgentRefused(
        'gateway',
        `${url.origin} knows no gateway ${gateway}, or is too old to have agents${said}. --gateway is its name in the broker's configuration`,
      )
    case 409:
      return new AgentRefused('version', `${url.origin} works with other versions of the agent: ${words}`)
    default:
      return faultOf(cause, said, words, url)
  }
}

function faultOf(cause: unknown, said: string, words: string, url: URL): Error {
  if (typeof cause === 'number') return new Unavailable('broker', `${url.origin} answered ${cause}${said}`)
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  if (CERTIFICATE.test(code))
    return new AgentRefused(
      'certificate',
      `the certificate of ${url.origin} is not trusted: ${words} (${code}). Name the authority that signed it with --ca-file, and the broker as its certificate does`,
    )
  if (NO_TLS.test(code))
    return new Unavailable('broker', `${url.origin} does not answer in TLS: see http.tls, or the port`)
  return new Unavailable('broker', `${url.origin} cannot be reached: ${words}`)
}
