import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { verifySync } from 'otplib'

type CryptoPlugin = NonNullable<Parameters<typeof verifySync>[0]['crypto']>

/**
 * What otplib computes codes with: its own digests are written in JavaScript and take twice as long as Node's, for each
 * of the time steps that a code is held against.
 */
export const NODE_DIGESTS: CryptoPlugin = {
  name: 'node',
  algorithms: ['sha1', 'sha256', 'sha512'],
  hmac: (algorithm, key, data) => createHmac(algorithm, key).update(data).digest(),
  randomBytes: (length) => randomBytes(length),
  constantTimeEqual(a, b) {
    const [left, right] = [Buffer.from(a), Buffer.from(b)]
    return left.length === right.length && timingSafeEqual(left, right)
  },
}
