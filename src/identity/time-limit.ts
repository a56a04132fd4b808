import type { Clock } from '../domain/clock.ts'
import type { IdentityProvider } from '../domain/identity-provider.ts'

export interface TimeLimitOptions {
  readonly clock: Clock
  /** Milliseconds for one question, all in all. */
  readonly ms: number
}

/** Gives a store a deadline of its own, so that one that hangs leaves time for what else a login has to do. */
export function withTimeLimit(store: IdentityProvider, { clock, ms }: TimeLimitOptions): IdentityProvider {
  const within = (deadline: number) => Math.min(deadline, clock.monotonic() + ms)
  const { prefetch: begin } = store
  return {
    ...store,
    prefetch: begin && ((name, deadline) => begin(name, within(deadline))),
    authenticate: (name, password, deadline, context) =>
      store.authenticate(name, password, within(deadline), context),
    lookup: (name, deadline) => store.lookup(name, within(deadline)),
  }
}
