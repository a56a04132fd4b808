/** Result codes that the broker distinguishes (RFC 4511 appendix A). */
export const Code = {
  success: 0,
  timeLimitExceeded: 3,
  sizeLimitExceeded: 4,
  strongerAuthRequired: 8,
  referral: 10,
  adminLimitExceeded: 11,
  unavailableCriticalExtension: 12,
  confidentialityRequired: 13,
  constraintViolation: 19,
  noSuchObject: 32,
  invalidDnSyntax: 34,
  inappropriateAuthentication: 48,
  invalidCredentials: 49,
  insufficientAccessRights: 50,
  busy: 51,
  unavailable: 52,
  unwillingToPerform: 53,
} as const

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(Code).map(([name, code]) => [
    code,
    name.replace(/[A-Z]/g, (capital) => ` ${capital.toLowerCase()}`),
  ]),
)

const MAX_DIAGNOSTIC_LENGTH = 160

/** `49 invalid credentials: …`, on one line, with the server's own words shortened. */
export function resultWords({
  code,
  diagnostic,
}: {
  readonly code: number
  readonly diagnostic: string
}): string {
  const name = NAMES.get(code)
  const own = oneLine(diagnostic)
  return `${code}${name === undefined ? '' : ` ${name}`}${own === '' ? '' : `: ${own}`}`
}

/** A server's words go to logs and terminals: without control characters, and shortened. */
export function oneLine(text: string): string {
  const plain = text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').trim()
  return plain.length > MAX_DIAGNOSTIC_LENGTH ? `${plain.slice(0, MAX_DIAGNOSTIC_LENGTH)}…` : plain
}
