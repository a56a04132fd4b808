import { oldHashFault } from '../local/imported-hashes/scheme.ts'
import { BadLine } from './file-lines.ts'

/** A user of another program's password file. */
export interface ImportedUser {
  /** Canonical. */
  readonly name: string
  /** As the other program made it; absent where the file has none, so that the user cannot pass the first factor. */
  readonly passwordHash?: string
  readonly enabled: boolean
  readonly groups: readonly string[]
}

/** @returns the hash. @throws BadLine naming the kind of one that cannot be verified, never the hash. */
export function verifiableHash(stored: string): string {
  const fault = oldHashFault(stored)
  if (fault !== undefined) throw new BadLine(fault)
  return stored
}
