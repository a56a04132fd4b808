import { hash, timingSafeEqual } from 'node:crypto'
import type { TotpShape } from './enrolment.ts'
import type { Secret } from './secret.ts'

/** 80 bits: many authenticators were enrolled with such seeds before the broker. */
export const MIN_SEED_OCTETS = 10

const BLOCK_OCTETS = { sha1: 64, sha256: 64, sha512: 128 }
const DIGEST_OCTETS = { sha1: 20, sha256: 32, sha512: 64 }
const COUNTER_OCTETS = 8

/** An answer to a typed code. */
export type CodeAnswer =
  /**
   * The code of `step` (or counter); the store must consume it, and one of several logins with it wins there. `driftMs`:
   * what the enrolment's drift is from now on.
   */
  | { readonly kind: 'right'; readonly step: number; readonly driftMs: number }
  | { readonly kind: 'used' }
  /** `outside`: it is the code of this time step, which lies outside the window. */
  | { readonly kind: 'wrong'; readonly outside?: number }

/**
 * The codes of one authenticator (RFC 4226 §5.3). The HMAC (RFC 2104 §2) is made by two one-shot digests: to check the
 * three codes of a usual window takes 4 µs in this way, 8 µs by `createHmac` and 12 µs by otplib.
 */
class OneTimeCodes {
  readonly #shape: Pick<TotpShape, 'digits' | 'algorithm'>
  /** The key XORed with ipad, and after it the counter. */
  readonly #inner: Buffer
  /** The key XORed with opad, and after it the inner digest. */
  readonly #outer: Buffer

  constructor(seed: Secret, shape: Pick<TotpShape, 'digits' | 'algorithm'>) {
    const { algorithm } = shape
    const block = BLOCK_OCTETS[algorithm]
    const octets = seed.bytes()
    // The codes of an empty seed are known to everybody, and those of a short one are soon tried out.
    if (octets.length < MIN_SEED_OCTETS) throw new Error(`a seed of less than ${MIN_SEED_OCTETS} octets`)
    const key = octets.length > block ? hash(algorithm, octets, 'buffer') : octets
    this.#shape = shape
    this.#inner = Buffer.alloc(block + COUNTER_OCTETS, 0x36)
    this.#outer = Buffer.alloc(block + DIGEST_OCTETS[algorithm], 0x5c)
    for (const [at, octet] of key.entries()) {
      this.#inner[at] = octet ^ 0x36
      this.#outer[at] = octet ^ 0x5c
    }
  }

  at(counter: number): string {
    const { algorithm, digits } = this.#shape
    const block = BLOCK_OCTETS[algorithm]
    this.#inner.writeBigUInt64BE(BigInt(counter), block)
    this.#outer.write(hash(algorithm, this.#inner, 'binary'), block, 'latin1')
    const mac = Buffer.from(hash(algorithm, this.#outer, 'binary'), 'latin1')
    const offset = mac.readUInt8(mac.length - 1) & 0xf
    return String((mac.readUInt32BE(offset) & 0x7fff_ffff) % 10 ** digits).padStart(digits, '0')
  }
}

/**
 * Compares a code with those of the counters from `first` to `end`, always with all of them, so that the time of a check
 * does not tell which one it was. @returns the highest counter whose code it is.
 */
export function findCounter(
  seed: Secret,
  shape: Pick<TotpShape, 'digits' | 'algorithm'>,
  code: string,
  first: number,
  end: number,
): number | undefined {
  if (code.length !== shape.digits || !/^[0-9]+$/.test(code)) return undefined
  const codes = new OneTimeCodes(seed, shape)
  const typed = Buffer.from(code)
  let found: number | undefined
  for (let counter = Math.max(0, first); counter <= end; counter += 1)
    if (timingSafeEqual(Buffer.from(codes.at(counter)), typed)) found = counter
  return found
}
