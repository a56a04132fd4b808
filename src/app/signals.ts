/** The signals to this process. */
export interface Signals {
  /** Resolves at SIGTERM or SIGINT. */
  readonly toStop: Promise<void>
  /** Calls the listener for each SIGHUP, also if it came before there was a listener. */
  toReload(listener: () => void): void
  /** The same for SIGUSR1, by which logrotate says that the log has another name. */
  toReopen(listener: () => void): void
}

let signals: Signals | undefined

/** Handles the signals from the first call on: without a handler SIGHUP would end the process. */
export function listenToSignals(): Signals {
  signals ??= listen()
  return signals
}

function listen(): Signals {
  const stop = Promise.withResolvers<void>()
  process.once('SIGTERM', () => stop.resolve())
  process.once('SIGINT', () => stop.resolve())
  const reload = Promise.withResolvers<() => void>()
  process.on('SIGHUP', () => void reload.promise.then((listener) => listener()))
  // Without a handler Node would open its debugger to this machine.
  const reopen = Promise.withResolvers<() => void>()
  process.on('SIGUSR1', () => void reopen.promise.then((listener) => listener()))
  return { toStop: stop.promise, toReload: reload.resolve, toReopen: reopen.resolve }
}
