import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../config/schema.ts'
import type { MailConfig } from '../config/sections/mail.ts'
import type { KeyRing } from '../domain/key-ring.ts'
import type { CodeMailKind } from '../domain/mail.ts'
import type { Runtime } from '../domain/runtime.ts'
import { AccountEnds } from '../mail/account-ends.ts'
import { codeMails } from '../mail/code-mails.ts'
import { type ComposeOptions, compose } from '../mail/compose.ts'
import { noticeSink } from '../mail/notice-sink.ts'
import type { Outlet } from '../mail/outlet.ts'
import { Queueing } from '../mail/queueing.ts'
import { Sending } from '../mail/sending.ts'
import type { CodeMails } from '../manage/code-mails.ts'
import { contactOf, localContactOf } from '../manage/contact.ts'
import { Delivery } from '../observe/sinks/delivery.ts'
import { isSame } from './config-changes.ts'
import type { Store } from './storage.ts'

interface MailsOptions {
  /** By which the process serves now. */
  readonly serving: () => { readonly config: Config; readonly store: Store }
  /** Those that outlive a configuration. */
  readonly keys: KeyRing
  readonly runtime: Runtime
}

/** How often it is looked whether a reload has changed anything, in milliseconds. */
const LOOK_EVERY_MS = 1000

/** Sends mails by the present configuration, and finds out what there is to tell. */
export class Mails {
  readonly #options: MailsOptions
  readonly #holder: string
  readonly #stopping = new AbortController()
  readonly #ended: Promise<void>

  private constructor(options: MailsOptions) {
    this.#options = options
    this.#holder = options.runtime.random.id()
    this.#ended = this.#run()
  }

  static start(options: MailsOptions): Mails {
    return new Mails(options)
  }

  /** Leaves what waits to other brokers, or to the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#ended
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const { config } = this.#options.serving()
      const parts = await this.#start(config)
      while (!signal.aborted && isSame(settingsOf(this.#options.serving().config), settingsOf(config)))
        await sleep(LOOK_EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined)
      await Promise.all(parts.map((part) => part.stop()))
    }
  }

  async #start(config: Config): Promise<readonly { stop(): Promise<void> }[]> {
    const { mail, portal, radius } = config
    const letters = letterOptions(config)
    if (mail === undefined || letters === undefined) return []
    const { serving, keys, runtime } = this.#options
    const { clock, log, metrics } = runtime
    const { records } = serving().store
    const queueing = new Queueing({
      mails: records.mails,
      keys,
      locale: portal.locales[0] ?? 'en',
      perUser: mail.perUser,
      kinds: mail.notices,
      // The identity stores of the present configuration, whichever began this.
      contactOf: (name) =>
        contactOf(name, { candidates: serving().store.candidates, clock, patienceMs: radius.deadlineMs }),
      clock,
    })
    const sending = Sending.start({
      ...{ mails: records.mails, audit: records.audit, keys, metrics: metrics.mails },
      outlet: await openOutlet(mail),
      compose: (each, content) => compose(each, content, letters),
      ...runtime,
      metrics: metrics.mails,
    })
    const following = Delivery.start({
      ...{ sink: noticeSink(queueing), audit: records.audit, sinks: records.sinks, clock, log },
      metrics: metrics.sinks,
      holder: this.#holder,
    })
    const ends = AccountEnds.start({
      ...{ users: records.users, queueing, warnBeforeMs: mail.warnBeforeMs, clock, log },
    })
    return [sending, following, ends]
  }
}

function settingsOf({ mail, portal, secondFactor, accounting }: Config) {
  return { mail, portal, issuer: secondFactor.totp.issuer, zone: accounting.timeZone }
}

/** @returns undefined where no mails are sent. */
export function letterOptions({
  mail,
  portal,
  secondFactor,
  accounting,
}: Config): ComposeOptions | undefined {
  const { publicUrl, help } = portal
  if (mail === undefined || publicUrl === undefined) return undefined
  const { timeZone } = accounting
  return { from: mail.from, service: secondFactor.totp.issuer, publicUrl, help, timeZone }
}

/** @returns undefined where no mails are sent. */
export function codeMailsOf(
  kind: CodeMailKind,
  config: Config,
  { records, keys, candidates }: Pick<Store, 'records' | 'keys' | 'candidates'>,
  { clock, random }: Pick<Runtime, 'clock' | 'random'>,
): CodeMails | undefined {
  const { mail, portal, radius } = config
  if (mail === undefined) return undefined
  return codeMails({
    ...{ kind, mails: records.mails, keys, perUser: mail.perUser, clock, random },
    locale: portal.locales[0] ?? 'en',
    contactOf: (name) =>
      kind === 'password_link'
        ? localContactOf(name, records.users, clock.now())
        : contactOf(name, { candidates, clock, patienceMs: radius.deadlineMs }),
  })
}

/** Loads only what the configured way needs. @param patienceMs for each answer of a server. */
export async function openOutlet({ way }: Pick<MailConfig, 'way'>, patienceMs?: number): Promise<Outlet> {
  switch (way.kind) {
    case 'smtp':
      return (await import('../mail/smtp.ts')).smtpOutlet({ ...way, patienceMs })
    case 'folder':
      return (await import('../mail/folder.ts')).folderOutlet(way.folder)
    case 'pipe':
      return (await import('../mail/pipe.ts')).pipeOutlet(way.command)
  }
}
