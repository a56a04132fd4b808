/** A service outside the process that logins need. */
export interface Dependency {
  /** `storage`, `identity corp`, `redis` */
  readonly name: string
  /** @param deadline monotonic milliseconds. @throws Unavailable if it cannot be asked now. */
  checkReady(deadline: number): Promise<void>
}
