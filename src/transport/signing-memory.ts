import { type ClientIdentity, clientKey, clientOf } from '../domain/gateway.ts'
import type { GatewayStore } from '../domain/login-records.ts'
import type { Runtime } from '../domain/runtime.ts'
import { LogThrottle } from '../pacing/log-throttle.ts'

export interface SigningMemoryOptions extends Pick<Runtime, 'clock' | 'log'> {
  readonly memory: GatewayStore
  /** Called with what was learned, so that other processes that answer the same gateways learn it too. */
  readonly learned?: (key: string) => void
}

/** Which clients have proved to send Message-Authenticator. The records keep that, so that a restart is no way back. */
export class SigningMemory {
  readonly #options: SigningMemoryOptions
  readonly #known: Set<string>
  readonly #unsigned: LogThrottle

  private constructor(options: SigningMemoryOptions, known: Set<string>) {
    this.#options = options
    this.#known = known
    this.#unsigned = new LogThrottle(options)
  }

  /** @throws Unavailable where the records cannot be read. */
  static async open(options: SigningMemoryOptions): Promise<SigningMemory> {
    const learned = await options.memory.signing()
    return new SigningMemory(options, new Set(learned.map(({ key }) => key)))
  }

  has(client: ClientIdentity): boolean {
    return this.#known.has(clientKey(client))
  }

  /** Takes over what another process has learned and recorded. */
  learn(key: string): void {
    this.#known.add(key)
  }

  /** A request of the client carried a valid Message-Authenticator. */
  sawSigned(client: ClientIdentity): void {
    const key = clientKey(client)
    if (this.#known.has(key)) return
    const { memory, log, learned } = this.#options
    this.#known.add(key)
    learned?.(key)
    log.info('gateway.authenticates', {
      ...client,
      hint: 'its requests without Message-Authenticator are dropped from now on; message_authenticator: off takes it back',
    })
    memory.remember(key).catch((error: unknown) => log.warn('gateway.not_remembered', { ...client, error }))
  }

  /** An unsigned request of the client was dropped. @param looksRight whether nothing else is wrong with it. */
  droppedUnsigned(client: ClientIdentity, looksRight: () => boolean): void {
    const { memory, log, clock } = this.#options
    const key = clientKey(client)
    this.#unsigned.tell(key, (before) => {
      if (!looksRight()) return
      log.error('gateway.signs_no_more', { ...client, before, hint: SIGNS_NO_MORE })
      memory
        .noteUnsigned(key, clock.now())
        .catch((error: unknown) => log.warn('gateway.not_remembered', { ...client, error }))
    })
  }

  /** Forgets what was learned of these gateways, which is the operator's way back. @throws Unavailable */
  async forget(gateways: ReadonlySet<string>): Promise<void> {
    for (const key of [...this.#known].filter((each) => gateways.has(clientOf(each).gateway))) {
      this.#known.delete(key)
      await this.#options.memory.forget(key)
    }
  }
}

const SIGNS_NO_MORE =
  'its logins fail: it signed its requests before and does not now; upgrade its radcli to 1.5.0 or newer, or set message_authenticator: off for it and reload'
