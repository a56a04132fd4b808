import type { HttpConfig } from '../config/sections/http.ts'
import { portNotOpen } from '../http/server.ts'
import { type HeldSockets, holdSockets } from '../transport/held-sockets.ts'

/**
 * The socket for HTTP, held for the worker that answers it: connections wait in it while that worker is replaced. An
 * address that a reload brings is opened by the worker itself, and held here as soon as that worker is replaced.
 */
export class HeldHttp {
  #config: HttpConfig | undefined
  #held: HeldSockets | undefined

  constructor(config: HttpConfig | undefined) {
    this.#config = config
  }

  get isHeld(): boolean {
    return this.#held !== undefined
  }

  /** @returns the descriptor, if HTTP is to be answered. @throws OperatorError */
  async fd(): Promise<number | undefined> {
    if (this.#config === undefined) return undefined
    const { address, port } = this.#config
    this.#held ??= await holdSockets([{ service: 'http', address, port }], 1).catch((error: unknown) => {
      throw portNotOpen(error, { address, port })
    })
    return this.#held.sockets[0]?.fds[0]
  }

  /** The worker that answers HTTP has taken this configuration. */
  use(config: HttpConfig | undefined): void {
    const isSamePlace = config?.address === this.#config?.address && config?.port === this.#config?.port
    this.#config = config
    if (!isSamePlace) void this.release()
  }

  async release(): Promise<void> {
    const held = this.#held
    this.#held = undefined
    await held?.release()
  }
}
