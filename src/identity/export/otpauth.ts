import { generateURI } from 'otplib'
import { seedAsBase32 } from '../../domain/totp.ts'
import type { ExportedToken } from './exported-token.ts'

/** An `otpauth://` URI, as authenticator apps take it. @param issuer the name that the app shows beside the user's. */
export function otpauthLine(
  { kind, seed, digits, period, algorithm, counter, name }: ExportedToken,
  issuer: string,
): string {
  const common = { issuer, label: name, secret: seedAsBase32(seed), digits: digits as 6 | 7 | 8, algorithm }
  return kind === 'hotp'
    ? generateURI({ ...common, strategy: 'hotp', counter })
    : generateURI({ ...common, period })
}
