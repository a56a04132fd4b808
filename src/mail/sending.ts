import { setTimeout as sleep } from 'node:timers/promises'
import type { AuditStore } from '../domain/audit.ts'
import { messageOf } from '../domain/errors.ts'
import { CannotOpen, type KeyRing } from '../domain/key-ring.ts'
import { usernameOf } from '../domain/login-name.ts'
import type { Mail, MailContent, MailStore, MailTurn, TakenMail } from '../domain/mail.ts'
import type { MailMetrics } from '../domain/metrics.ts'
import type { Runtime } from '../domain/runtime.ts'
import { openContent } from './content.ts'
import { type Letter, NotTaken, type Outlet } from './outlet.ts'

export interface SendingOptions extends Pick<Runtime, 'clock' | 'random' | 'log'> {
  readonly mails: Pick<MailStore, 'take' | 'sent' | 'postpone' | 'giveUp' | 'queue'>
  readonly audit: Pick<AuditStore, 'append'>
  readonly keys: KeyRing
  readonly outlet: Outlet
  readonly compose: (mail: Mail, content: MailContent) => Letter
  readonly metrics: MailMetrics
  /** Milliseconds between two looks at the queue (a second). */
  readonly everyMs?: number
}

/** Longer than a mail may take: a connection, a login, and each answer within 20 s. */
const TURN_MS = 180_000
/** Between two tries while no mail can leave. */
const MAX_PAUSE_MS = 60_000
/** A mail that its server does not want now (RFC 5321 §4.5.4.1 has half an hour; most mean a minute). */
const FIRST_POSTPONED_MS = 60_000
const MAX_POSTPONED_MS = 30 * 60_000
const MAX_FAULT = 500
const MEASURED_EVERY_MS = 10_000

/**
 * Sends what waits in the records, one after another, in their order. The records say that a mail is being sent before
 * the first octet of it leaves, and that it was sent as soon as the server has taken it: a broker that is killed in
 * between sends that one mail a second time, with the same Message-ID.
 */
export class Sending {
  readonly #options: SendingOptions
  readonly #holder: string
  readonly #stopping = new AbortController()
  readonly #ended: Promise<void>
  #failures = 0
  /** Taken by the server, while the records could not be told so. */
  #unnoted: string | undefined
  #measuredAt = Number.NEGATIVE_INFINITY

  private constructor(options: SendingOptions) {
    this.#options = options
    this.#holder = options.random.id()
    this.#ended = this.#run()
  }

  static start(options: SendingOptions): Sending {
    return new Sending(options)
  }

  /** Resolves when the mail that is being sent has left or was put back. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#ended
    this.#options.outlet.close()
  }

  async #run(): Promise<void> {
    const { everyMs = 1000, log } = this.#options
    const { signal } = this.#stopping
    while (!signal.aborted) {
      let pause = everyMs
      try {
        await this.#measure()
        while (!signal.aborted && (await this.#sendOne()));
      } catch (error) {
        pause = Math.min(MAX_PAUSE_MS, everyMs * 2 ** this.#failures)
        this.#failures += 1
        if (this.#failures === 1) log.error('mail.fails', { why: messageOf(error) })
      }
      await sleep(pause, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }

  /** @returns whether there may be more. @throws Error where no mail can leave now. */
  async #sendOne(): Promise<boolean> {
    const { mails, log, metrics } = this.#options
    await this.#noteSent(this.#unnoted)
    const turn = this.#turn()
    const mail = await mails.take(turn)
    if (mail === undefined) return false
    let said: string
    try {
      said = await this.#options.outlet.send(this.#letterOf(mail))
    } catch (error) {
      metrics.mailFailed()
      if (error instanceof NotTaken) {
        await this.#notTaken(mail, turn, error)
        return true
      }
      // Its place in the order stays.
      await mails.postpone(mail.id, turn, mail.dueAt, messageOf(error).slice(0, MAX_FAULT))
      throw error
    }
    this.#unnoted = mail.id
    metrics.mailSent(mail.kind)
    log.info('mail.sent', { mail: mail.id, kind: mail.kind, user: mail.subject, said })
    await this.#noteSent(mail.id)
    if (this.#failures > 0) log.info('mail.leaves', {})
    this.#failures = 0
    return true
  }

  /** Before anything else is sent: what was sent is not sent again because the records were away. */
  async #noteSent(id: string | undefined): Promise<void> {
    if (id === undefined) return
    await this.#options.mails.sent(id, this.#turn())
    this.#unnoted = undefined
  }

  #letterOf(mail: TakenMail): Letter {
    const { keys, compose } = this.#options
    try {
      return compose(mail, openContent(keys, mail.id, mail.sealed))
    } catch (error) {
      if (error instanceof CannotOpen) throw new NotTaken(error.message, true, { cause: error })
      throw error
    }
  }

  async #notTaken(mail: TakenMail, turn: MailTurn, error: NotTaken): Promise<void> {
    const { mails, audit, clock, random, log } = this.#options
    const { id, kind, subject, tries } = mail
    const fault = error.message.slice(0, MAX_FAULT)
    const about = { mail: id, kind, user: subject, why: fault }
    if (!error.isFinal) {
      const pause = Math.min(MAX_POSTPONED_MS, FIRST_POSTPONED_MS * 2 ** Math.min(tries - 1, 10))
      await mails.postpone(id, turn, clock.now() + pause, fault)
      log.info('mail.postponed', about)
      return
    }
    log.warn('mail.refused', about)
    const user = usernameOf(subject)
    const name = user === subject ? undefined : subject
    // Before the mail is given up: where the broker ends in between, the trail may say it twice, and not never.
    await audit.append({
      id: random.id(),
      at: clock.now(),
      kind: 'mail.failed',
      user,
      name,
      reason: kind,
      detail: fault,
    })
    await mails.giveUp(id, turn, fault)
  }

  async #measure(): Promise<void> {
    const { mails, clock, metrics } = this.#options
    const now = clock.monotonic()
    if (now - this.#measuredAt < MEASURED_EVERY_MS) return
    this.#measuredAt = now
    const { waiting, since } = await mails.queue(clock.now())
    metrics.mailsWaiting(waiting, since === undefined ? 0 : Math.max(0, clock.now() - since) / 1000)
  }

  #turn(): MailTurn {
    const now = this.#options.clock.now()
    return { holder: this.#holder, now, until: now + TURN_MS }
  }
}
