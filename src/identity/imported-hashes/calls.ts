/** What a thread of `OldHashes` is asked: one check at a time, answered by a boolean. */
export interface OldHashCheck {
  readonly stored: string
  readonly password: Uint8Array
}
