import type { Attempt } from '../domain/attempt.ts'
import type { Clock } from '../domain/clock.ts'
import type { Gateway } from '../domain/gateway.ts'
import type { Log } from '../domain/log.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { Decision } from '../login/decide.ts'
import { OnceAMinute } from './once-a-minute.ts'
import { Sparing } from './sparing.ts'

/** One line for each login and what came of it; a flood or an outage writes a few for all. */
export class LoginLog {
  readonly #log: Log
  readonly #outages: Sparing
  readonly #malformed: OnceAMinute

  constructor({ log, clock }: { readonly log: Log; readonly clock: Clock }) {
    this.#log = log
    this.#outages = new Sparing(clock)
    this.#malformed = new OnceAMinute(clock)
  }

  /** @param attempt the refusal where the request could not be read; @param seconds from arrival to answer. */
  tell(attempt: Attempt | Refusal, decision: Decision, gateway: Gateway, seconds: number): void {
    const log = this.#log
    const who =
      'kind' in attempt
        ? { gateway: gateway.name }
        : { attempt: attempt.id, user: attempt.name.stem, address: attempt.address, gateway: gateway.name }
    const fields = { ...who, ms: Math.round(seconds * 1000) }
    if (decision.kind === 'grant') log.info('login.accepted', { ...fields, policy: decision.policy })
    else if (decision.kind === 'challenge')
      log.info('login.challenged', { ...fields, prompt: decision.prompt.kind })
    else if (decision.reason === 'unavailable') {
      const { reason, detail } = decision
      this.#outages.tell((before) =>
        log.error('login.unavailable', { ...fields, reason, detail, ...(before > 0 && { before }) }),
      )
    } else if (decision.reason === 'malformed_request') {
      // No limit has looked at these, and a gateway with another secret sends nothing else.
      const { reason, detail } = decision
      this.#malformed.tell(`${gateway.name} ${detail}`, (before) =>
        log.info('login.refused', { ...fields, reason, detail, before }),
      )
    } else {
      const { reason, detail } = decision
      log[reason === 'rate_limited' ? 'debug' : 'info']('login.refused', { ...fields, reason, detail })
    }
  }
}
