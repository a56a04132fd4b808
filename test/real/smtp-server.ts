import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'

/** A mail as the server took it. */
interface ReceivedMail {
  readonly to: string
  readonly messageId: string
  readonly subject: string
  /** The whole of it, headers included. */
  readonly raw: string
  readonly isEncrypted: boolean
  readonly user?: string
}

export interface SmtpServerOptions {
  readonly port?: number
  /** For STARTTLS; absent: it offers none. */
  readonly tls?: { readonly certificate: string; readonly key: string }
  readonly login?: { readonly user: string; readonly password: string }
}

/** What it does with the next mails: `take`; hang before its answer; drop the connection after DATA; answers by code. */
type Manner =
  | { readonly kind: 'take' }
  | { readonly kind: 'hang' }
  | { readonly kind: 'drop' }
  /** Keeps the mail, and drops the connection without an answer. */
  | { readonly kind: 'keep_and_drop' }
  | { readonly kind: 'answer'; readonly code: number; readonly to?: string }

export interface RealSmtpServer {
  readonly port: number
  /** All that were taken, in that order. */
  readonly mails: readonly ReceivedMail[]
  /** How often DATA was sent, whatever came of it. */
  readonly offered: () => number
  behave(manner: Manner): void
  stop(): Promise<void>
}

/** A server that speaks SMTP (RFC 5321), and fails as it is told. */
export async function startSmtpServer(options: SmtpServerOptions = {}): Promise<RealSmtpServer> {
  const { port = 0, tls, login } = options
  const mails: ReceivedMail[] = []
  const seen = { manner: { kind: 'take' } as Manner, offered: 0 }
  const answer = (code: number) => Object.assign(new Error(`told to say ${code}`), { responseCode: code })
  const server = new SMTPServer({
    disabledCommands: [...(tls === undefined ? ['STARTTLS'] : []), ...(login === undefined ? ['AUTH'] : [])],
    ...(tls !== undefined && { cert: readFileSync(tls.certificate), key: readFileSync(tls.key) }),
    authOptional: login === undefined,
    disableReverseLookup: true,
    logger: false,
    closeTimeout: 100,
    onAuth({ username, password }, _session, callback) {
      if (login?.user === username && login?.password === password) callback(null, { user: username })
      else callback(new Error('535 5.7.8 wrong name or password'))
    },
    onRcptTo({ address }, _session, callback) {
      const { manner } = seen
      if (manner.kind === 'answer' && manner.to === address) callback(answer(manner.code))
      else callback()
    },
    async onData(stream, session, callback) {
      seen.offered += 1
      const { manner } = seen
      const raw = Buffer.concat(await Array.fromAsync(stream as AsyncIterable<Buffer>)).toString()
      const header = (name: string) => new RegExp(`^${name}: (.*(?:\r\n[ \t].*)*)`, 'im').exec(raw)?.[1] ?? ''
      const keep = () =>
        mails.push({
          to: session.envelope.rcptTo.map(({ address }) => address).join(','),
          messageId: header('message-id'),
          subject: header('subject'),
          raw,
          isEncrypted: session.secure,
          user: session.user,
        })
      const drop = () => {
        for (const connection of server.connections) connection.close()
      }
      switch (manner.kind) {
        case 'hang':
          return
        case 'drop':
          return drop()
        case 'keep_and_drop':
          keep()
          return drop()
        case 'answer':
          if (manner.to === undefined) return callback(answer(manner.code))
          keep()
          return callback()
        case 'take':
          keep()
          return callback()
      }
    },
  })
  server.on('error', () => undefined)
  const listener = server.listen(port, '127.0.0.1')
  await once(listener, 'listening')
  return {
    port: (listener.address() as AddressInfo).port,
    mails,
    offered: () => seen.offered,
    behave(manner) {
      seen.manner = manner
    },
    async stop() {
      for (const connection of server.connections) connection.close()
      const closed = once(listener, 'close')
      server.close()
      await closed
    },
  }
}
