/** Only this file reads the machine's clock; all else is given a `Clock`, so that tests can set the time. */
export interface Clock {
  /** Wall time in milliseconds since the Unix epoch: for records, TOTP and expiries that outlive the process. */
  now(): number
  /** Milliseconds that never run backwards or jump: for deadlines, durations and caches. */
  monotonic(): number
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
}
