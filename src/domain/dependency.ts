/** Something outside the process that logins need. */
export interface Dependency {
  /** `storage`, `identity corp`, `redis` */
  readonly name: string
  /** Resolves where it can be asked now. @param deadline monotonic milliseconds. @throws Unavailable */
  checkReady(deadline: number): Promise<void>
}
