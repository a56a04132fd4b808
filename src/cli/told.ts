/** What this process is told by signals. */
export interface Told {
  /** Resolves at SIGTERM or SIGINT. */
  readonly toStop: Promise<void>
  /** Calls the listener for each SIGHUP, also for those that came before there was one: unheard, they end a process. */
  toReload(listener: () => void): void
}

/** Listens from now on. */
export function told(): Told {
  const stop = Promise.withResolvers<void>()
  process.once('SIGTERM', () => stop.resolve())
  process.once('SIGINT', () => stop.resolve())
  const reload = Promise.withResolvers<() => void>()
  process.on('SIGHUP', () => void reload.promise.then((listener) => listener()))
  return { toStop: stop.promise, toReload: reload.resolve }
}
