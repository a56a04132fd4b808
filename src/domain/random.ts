import { randomBytes, randomUUIDv7 } from 'node:crypto'

/** The only source of randomness; handed in, so tests can make it predictable. */
export interface Randomness {
  /** `length` octets from the system's cryptographic generator. */
  bytes(length: number): Buffer
  /** A new record identifier: UUID version 7, so identifiers sort by the time that they were made. */
  id(): string
}

export const systemRandom: Randomness = {
  bytes: (length) => randomBytes(length),
  id: () => randomUUIDv7(),
}
