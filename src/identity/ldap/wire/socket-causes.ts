const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'it cut the connection',
  EPIPE: 'it cut the connection',
  ETIMEDOUT: 'it does not answer',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
  ENOTFOUND: 'its name is not in the DNS',
  EAI_AGAIN: 'the DNS does not answer',
  EACCES: 'this machine does not permit it',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
}

const UNTRUSTED: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
])

/** @param caFile which names the authorities that are trusted. @returns what happened, in a few words. */
export function socketCause(error: unknown, caFile: string | undefined): string {
  const [first] = error instanceof AggregateError ? error.errors : [error]
  if (!(first instanceof Error)) return String(first)
  const code = 'code' in first && typeof first.code === 'string' ? first.code : ''
  if (UNTRUSTED.has(code))
    return `its certificate is not signed by an authority in ${caFile ?? "the system's list"} (${code})`
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return otherName(first)
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'EPROTO') return 'it does not speak TLS there'
  const words = WORDS[code]
  if (words !== undefined) return `${words} (${code})`
  if (/^ERR_SSL_|^ERR_TLS_/.test(code)) return `TLS failed: ${first.message.split('\n')[0]?.slice(0, 120)}`
  return code === '' ? first.message : `${first.message} (${code})`
}

function otherName(error: Error): string {
  const asked = 'host' in error ? String(error.host) : 'its name'
  const certificate = 'cert' in error ? error.cert : undefined
  const names =
    typeof certificate === 'object' && certificate !== null && 'subjectaltname' in certificate
      ? String(certificate.subjectaltname ?? '')
      : ''
  return `its certificate is ${names === '' ? 'for another name' : `for ${names}`}, not for ${asked}`
}
