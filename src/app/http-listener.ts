import type { Log } from '../domain/log.ts'
import { type HttpServer, openHttpServer } from '../http/server.ts'
import type { HttpApp } from './http.ts'

/** The server that answers HTTP, or none, as the configuration says. */
export class HttpListener {
  readonly #log: Log
  #server: HttpServer | undefined
  #app: HttpApp | undefined
  /** Servers at addresses that the configuration no longer names. */
  #stopping: Promise<unknown> = Promise.resolve()

  constructor(log: Log) {
    this.#log = log
  }

  get place(): { readonly address: string; readonly port: number } | undefined {
    return this.#server && { address: this.#server.address, port: this.#server.port }
  }

  /** @param fd a socket that listens already. @throws OperatorError, Error on the certificate. */
  async open(app: HttpApp | undefined, fd?: number): Promise<void> {
    this.#server = app && (await openHttpServer(app, fd))
    this.#app = app
  }

  /**
   * Makes everything ready that the next configuration needs; a port that is not open yet is opened.
   * @throws OperatorError, Error on the certificate.
   */
  async prepare(
    next: HttpApp | undefined,
  ): Promise<{ readonly commit: () => void; readonly discard: () => Promise<void> }> {
    const [server, app] = [this.#server, this.#app]
    const finish = () => {
      this.#app = next
      app?.endStreams()
    }
    if (next !== undefined && server !== undefined && app !== undefined && hasSamePlace(app, next)) {
      const use = await server.prepare(next)
      const commit = () => {
        use()
        finish()
      }
      return { commit, discard: async () => undefined }
    }
    const opened = next && (await openHttpServer(next))
    const commit = () => {
      this.#server = opened
      finish()
      this.#stopping = Promise.all([this.#stopping, server?.stop()])
      if (opened !== undefined)
        this.#log.info('http.listening', { address: opened.address, port: opened.port })
    }
    return { commit, discard: async () => opened?.stop() }
  }

  async stop(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    this.#app?.endStreams()
    await Promise.all([this.#stopping, server?.stop()])
  }
}

function hasSamePlace(one: HttpApp, other: HttpApp): boolean {
  return (
    one.address === other.address &&
    one.port === other.port &&
    (one.tls === undefined) === (other.tls === undefined)
  )
}
