/** Error-Cause of a gateway that has no such session. */
export const SESSION_NOT_FOUND = 503

/** RFC 5176 §3.5. */
const ERROR_CAUSES: Readonly<Record<number, string>> = {
  201: 'Residual Session Context Removed',
  202: 'Invalid EAP Packet (Ignored)',
  401: 'Unsupported Attribute',
  402: 'Missing Attribute',
  403: 'NAS Identification Mismatch',
  404: 'Invalid Request',
  405: 'Unsupported Service',
  406: 'Unsupported Extension',
  407: 'Invalid Attribute Value',
  501: 'Administratively Prohibited',
  502: 'Request Not Routable (Proxy)',
  [SESSION_NOT_FOUND]: 'Session Context Not Found',
  504: 'Session Context Not Removable',
  505: 'Other Proxy Processing Error',
  506: 'Resources Unavailable',
  507: 'Request Initiated',
  508: 'Multiple Session Selection Unsupported',
}

/** For people: `504 Session Context Not Removable`. */
export function errorCauseText(cause: number | undefined): string {
  if (cause === undefined) return 'no Error-Cause'
  return `Error-Cause ${cause} ${ERROR_CAUSES[cause] ?? ''}`.trim()
}
