import type { Clock } from '../../domain/clock.ts'
import type { Connection } from './connection.ts'
import { ConnectionLost } from './connection-lost.ts'
import type { Job } from './job.ts'
import type { Server } from './server.ts'

/** No server could be asked. The message names each with its cause, on one line. */
export class OutOfReach extends Error {
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

/** @param expiresAt when the server must have answered. */
export type Work<T> = (connection: Connection, expiresAt: number) => Promise<T>

/**
 * Several servers as one: each question goes to the first that is up, and to the next where it is lost there. A server
 * that is down is looked at beside the logins and is preferred again as soon as it is back.
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
   * @param preferred asked first where it is up. @throws OutOfReach, also where the user's password was sent and the
   *   answer is lost: nobody knows whether the directory has counted it, so it is not sent again.
   */
  async use<T>(
    purpose: 'searches' | 'binds',
    job: Job,
    work: Work<T>,
    preferred?: Server,
  ): Promise<Served<T>> {
    const causes: string[] = []
    for (const server of this.#inOrder(preferred)) {
      const served = await this.#ask(server, purpose, job, work, causes)
      if (served !== undefined) return served
      if (job.isBindSent) break
    }
    if (causes.length > 0) throw new OutOfReach(causes.join('; '))
    throw new OutOfReach(
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
    job: Job,
    work: Work<T>,
    causes: string[],
  ): Promise<Served<T> | undefined> {
    const { clock, operationMs } = this.#options
    for (let retried = false; clock.monotonic() < job.expiresAt; retried = true) {
      const began = clock.monotonic()
      const expiresAt = Math.min(job.expiresAt, began + operationMs)
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
        // The server may have closed a connection that lay idle, just when it was taken: that says nothing of the server.
        const wasStale = error.kind === 'closed' && connection !== undefined && connection.openedAt < began
        if (!wasStale || retried || job.isBindSent) return undefined
      } finally {
        if (connection !== undefined) server[purpose].give(connection)
      }
    }
    return undefined
  }
}
