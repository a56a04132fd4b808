import type { Clock } from '../../domain/clock.ts'
import { NoAnswer } from './no-answer.ts'
import type { UpstreamServer } from './upstream-server.ts'

export interface FailoverOptions {
  readonly servers: readonly UpstreamServer[]
  readonly clock: Clock
  /** Milliseconds that one server may take; absent: an equal share of the time that is left. */
  readonly answerWithinMs?: number
}

/**
 * Asks the servers in their order until one answers: first those that live, and only when each of them failed before
 * the time was over, those that are thought dead. The answer of one server is final, whatever it is.
 * @param deadline monotonic milliseconds.
 * @throws NoAnswer naming each server that was asked and what was wrong with it; a silence where any of them was silent.
 */
export async function firstAnswer<T>(
  { servers, clock, answerWithinMs = Number.POSITIVE_INFINITY }: FailoverOptions,
  deadline: number,
  ask: (server: UpstreamServer, patienceMs: number) => Promise<T>,
): Promise<{ readonly server: UpstreamServer; readonly answer: T }> {
  const failures: string[] = []
  let why: NoAnswer['why'] = 'unreachable'
  const living = servers.filter((server) => server.isWorthTrying())
  const dead = servers.filter((server) => !living.includes(server))
  for (const group of [living, dead]) {
    for (const [at, server] of group.entries()) {
      const left = deadline - clock.monotonic()
      if (left <= 0) break
      try {
        return { server, answer: await ask(server, Math.min(answerWithinMs, left / (group.length - at))) }
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error
        if (error.why === 'silence') why = 'silence'
        failures.push(`${server.key}: ${error.message}`)
      }
    }
  }
  throw new NoAnswer(why, failures.length === 0 ? 'no time was left to ask' : failures.join('; '))
}
