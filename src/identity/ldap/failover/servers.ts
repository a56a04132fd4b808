import type { Clock } from '../../../domain/clock.ts'
import type { Connection, Found } from '../wire/connection.ts'
import { ConnectionLost } from '../wire/connection-lost.ts'
import { Code, resultWords } from '../wire/result-codes.ts'
import type { Server } from './server.ts'

/** No server gave a usable answer. The message names each server with its cause, on one line. */
export class AllServersUnavailable extends Error {
  override readonly name = 'OutOfReach'
}

export interface ServersOptions {
  /** The preferred one first. */
  readonly servers: readonly Server[]
  /** Milliseconds that one search or bind may take. */
  readonly operationMs: number
  readonly clock: Clock
}

export interface Served<T> {
  readonly value: T
  readonly server: Server
}

/** One question to the directory: a login, a lookup or a check, with all its searches and its bind. */
export interface Operation {
  /** Monotonic milliseconds by which it is answered. */
  readonly expiresAt: number
  /** Whether the user's password has been sent to a directory, which may count it. */
  isPasswordSent: boolean
}

/** @param expiresAt when the server must have answered. */
export type Work<T> = (connection: Connection, expiresAt: number) => Promise<T>

/**
 * Several servers as one: each question goes to the first server that is up, and to the next if the answer is lost. A
 * server that is down is probed in the background and preferred again as soon as it is back.
 */
export class Servers {
  readonly #options: ServersOptions

  constructor(options: ServersOptions) {
    this.#options = options
  }

  get all(): readonly Server[] {
    return this.#options.servers
  }

  /**
   * @param preferred asked first if it is up. @throws AllServersUnavailable, also when the user's password was sent and
   *   the answer was lost: the directory may have counted it, so it is not sent again.
   */
  async use<T>(
    purpose: 'searches' | 'binds',
    operation: Operation,
    work: Work<T>,
    preferred?: Server,
  ): Promise<Served<T>> {
    const causes: string[] = []
    for (const server of this.#inOrder(preferred)) {
      const served = await this.#ask(server, purpose, operation, work, causes)
      if (served !== undefined) return served
      if (operation.isPasswordSent) break
    }
    if (causes.length > 0) throw new AllServersUnavailable(causes.join('; '))
    throw new AllServersUnavailable(
      this.all.map(({ url, outage }) => `${url}: ${outage ?? 'no time is left'}`).join('; '),
    )
  }

  close(): void {
    for (const server of this.all) server.close()
  }

  #inOrder(preferred: Server | undefined): readonly Server[] {
    const up = this.all.filter(({ isUp }) => isUp)
    return preferred?.isUp ? [preferred, ...up.filter((server) => server !== preferred)] : up
  }

  async #ask<T>(
    server: Server,
    purpose: 'searches' | 'binds',
    operation: Operation,
    work: Work<T>,
    causes: string[],
  ): Promise<Served<T> | undefined> {
    const { clock, operationMs } = this.#options
    for (let retried = false; clock.monotonic() < operation.expiresAt; retried = true) {
      const began = clock.monotonic()
      const expiresAt = Math.min(operation.expiresAt, began + operationMs)
      let connection: Connection | undefined
      try {
        connection = await server[purpose].take(expiresAt)
        const value = await work(connection, expiresAt)
        server.worked()
        return { value, server }
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error
        server.failed(error, clock.monotonic() - began >= operationMs / 2)
        causes.push(`${server.url}: ${error.message}`)
        // The server may have closed an idle connection just when it was taken: that is no fault of the server.
        const wasStale = error.kind === 'closed' && connection !== undefined && connection.openedAt < began
        if (!wasStale || retried || operation.isPasswordSent) return undefined
      } finally {
        if (connection !== undefined) server[purpose].give(connection)
      }
    }
    return undefined
  }
}

/** What a search that was refused is thrown as. Where the server is busy the next server is asked. */
export function searchError(found: Found, base: string): ConnectionLost | AllServersUnavailable {
  if (found.code === Code.busy || found.code === Code.unavailable)
    return new ConnectionLost('busy', `it says ${resultWords(found)}`)
  return new AllServersUnavailable(`a search below ${base} fails (${resultWords(found)})`)
}
