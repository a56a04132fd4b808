/** Bounds the rate of HTTP requests, whatever they ask for. */
export interface RequestLimits {
  /**
   * Counts one request.
   * @returns milliseconds until the next request is allowed, if this one exceeds the limit. @throws Unavailable
   */
  count(of: 'address' | 'token', key: string): Promise<number | undefined>
  /** Uncounts one request. @throws Unavailable */
  refund(of: 'address' | 'token', key: string): Promise<void>
}
