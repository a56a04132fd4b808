import type { LoginAttempt } from '../domain/login-attempt.ts'
import { refuse } from '../domain/refusal.ts'
import type { Runtime } from '../domain/runtime.ts'
import type { Decision } from '../login/flow.ts'
import { Deadlines } from '../pacing/deadlines.ts'
import { readAccessRequest } from './access-request.ts'
import type { RadiusClient } from './client-table.ts'
import { LoginLog } from './login-log.ts'
import type { RadiusRequest } from './radius-server.ts'
import { type ReplyOptions, refusalTo, replyTo, type UnsignedReply } from './reply.ts'

export interface LoginHandlerOptions {
  readonly decide: (attempt: LoginAttempt) => Promise<Decision>
  readonly reply: ReplyOptions
  /** How long after its arrival a login is answered as unavailable, in milliseconds. */
  readonly deadlineMs: number
}

const CHECK_DEADLINES_MS = 20

/** Answers Access-Requests: reads the attempt, has it decided in time, and puts the decision into a reply. */
export class LoginHandler {
  readonly #options: LoginHandlerOptions & Runtime
  readonly #deadlines: Deadlines
  readonly #log: LoginLog

  constructor(options: LoginHandlerOptions & Runtime) {
    this.#options = options
    this.#deadlines = new Deadlines({ clock: options.clock, intervalMs: CHECK_DEADLINES_MS })
    this.#log = new LoginLog(options)
  }

  /** @returns undefined where the gateway is to get no answer, `repeated` where it got one at another port. */
  async answer({
    packet,
    client,
    arrivedAt,
  }: RadiusRequest): Promise<UnsignedReply | 'repeated' | undefined> {
    const { random, deadlineMs, clock, metrics } = this.#options
    const attempt = readAccessRequest(packet, client, random.id(), arrivedAt + deadlineMs)
    const decision = 'refusal' in attempt ? attempt.refusal : await this.#decideInTime(attempt)
    if (decision.kind === 'refusal' && decision.reason === 'repeated_request') return 'repeated'
    const reply = this.#compose(decision, client)
    const answeredAt = Math.max(clock.monotonic(), reply?.answerAt ?? 0)
    const seconds = (answeredAt - arrivedAt) / 1000
    const { name } = client.gateway
    metrics.login(decision.kind === 'refusal' ? decision.reason : decision.kind, name, seconds)
    if (decision.kind === 'grant' && decision.waivedBy !== undefined) metrics.waived(decision.waivedBy)
    this.#log.write(attempt, decision, name, seconds)
    return reply
  }

  #decideInTime(attempt: LoginAttempt): Promise<Decision> {
    return new Promise((resolve, reject) => {
      const answered = new AbortController()
      const expire = () => {
        answered.abort()
        resolve(refuse('unavailable', 'the deadline passed'))
      }
      const timed = { expiresAt: attempt.deadline, expire }
      this.#deadlines.add(timed)
      this.#options.decide({ ...attempt, signal: answered.signal }).then(
        (decision) => {
          this.#deadlines.remove(timed)
          resolve(decision)
        },
        (error: unknown) => {
          this.#deadlines.remove(timed)
          reject(error)
        },
      )
    })
  }

  #compose(decision: Decision, { gateway }: RadiusClient): UnsignedReply | undefined {
    const { reply, log } = this.#options
    const isOutage = decision.kind === 'refusal' && decision.reason === 'unavailable'
    if (isOutage && gateway.onOutage === 'silent') return undefined
    try {
      return replyTo(decision, reply)
    } catch (error) {
      const policy = decision.kind === 'grant' ? decision.policy : undefined
      log.error('reply.cannot_be_coded', { gateway: gateway.name, policy, error })
      return refusalTo('the reply cannot be coded', reply)
    }
  }
}
