/** How often anybody may ask over HTTP, whatever they ask for. */
export interface RequestLimits {
  /**
   * Counts one request of this key.
   * @returns milliseconds until another is looked at, where this one is too much. @throws Unavailable
   */
  count(of: 'address' | 'token', key: string): Promise<number | undefined>
  /** Takes one count back. @throws Unavailable */
  giveBack(of: 'address' | 'token', key: string): Promise<void>
}
