import type { Log } from '../domain/log.ts'
import type { LoginAttempt } from '../domain/login-attempt.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { Runtime } from '../domain/runtime.ts'
import type { Decision } from '../login/flow.ts'
import { LogThrottle } from '../pacing/log-throttle.ts'
import type { UnreadableRequest } from './access-request.ts'

/** One line for each login and its outcome; a flood or an outage writes a few for all. */
export class LoginLog {
  readonly #log: Log
  readonly #outages: LogThrottle
  readonly #malformed: LogThrottle

  constructor({ log, clock }: Pick<Runtime, 'log' | 'clock'>) {
    this.#log = log
    this.#outages = new LogThrottle({ lines: 10, periodMs: 1000, clock })
    this.#malformed = new LogThrottle({ clock })
  }

  /** @param seconds from arrival to answer. */
  write(
    attempt: LoginAttempt | UnreadableRequest,
    decision: Decision,
    gateway: string,
    seconds: number,
  ): void {
    const log = this.#log
    const isRead = 'id' in attempt
    const fields = {
      attempt: isRead ? attempt.id : undefined,
      user: isRead ? attempt.name.username : attempt.user,
      address: attempt.address,
      gateway,
      ms: Math.round(seconds * 1000),
    }
    if (decision.kind === 'grant') log.info('login.accepted', { ...fields, policy: decision.policy })
    else if (decision.kind === 'challenge')
      log.info('login.challenged', { ...fields, prompt: decision.prompt.kind, clue: decision.clue })
    else this.#writeRefusal(decision, gateway, fields)
  }

  #writeRefusal({ reason, detail, clue }: Refusal, gateway: string, about: object): void {
    const fields = { ...about, reason, detail, clue }
    if (reason === 'unavailable')
      this.#outages.tell('login.unavailable', (before) =>
        this.#log.error('login.unavailable', { ...fields, before }),
      )
    // No rate limit bounds these, and a gateway with a different secret sends nothing else.
    else if (reason === 'malformed_request')
      this.#malformed.tell(`${gateway} ${detail}`, (before) =>
        this.#log.info('login.refused', { ...fields, before }),
      )
    else this.#log[reason === 'rate_limited' ? 'debug' : 'info']('login.refused', fields)
  }
}
