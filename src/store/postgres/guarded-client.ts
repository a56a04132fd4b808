import type { EventEmitter } from 'node:events'
import { Client, type ClientConfig } from 'pg'

/** What the driver calls with the socket that it reads from, in clear or after the TLS handshake. */
interface DriverConnection {
  attachListeners(stream: EventEmitter & { destroy(error: Error): void }): void
}

/**
 * The driver's client, which ends a connection whose messages cannot be read. The driver parses a message in the
 * socket's `data` event and throws where the message is malformed; an exception there would end the process.
 */
export class GuardedClient extends Client {
  constructor(config?: string | ClientConfig) {
    super(config)
    const { connection } = this as unknown as { readonly connection: DriverConnection }
    const attach = connection.attachListeners.bind(connection)
    connection.attachListeners = (stream) => {
      const emit = stream.emit.bind(stream)
      stream.emit = (event, ...values) => {
        if (event !== 'data') return emit(event, ...values)
        try {
          return emit(event, ...values)
        } catch (cause) {
          stream.destroy(new Error('PostgreSQL sent a message that cannot be read', { cause }))
          return true
        }
      }
      attach(stream)
    }
  }
}
