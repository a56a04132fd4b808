import { createTransport } from 'nodemailer'
import { messageOf } from '../domain/errors.ts'
import type { Secret } from '../domain/secret.ts'
import { mailOptions } from './encode.ts'
import { oneLine, type SmtpError, smtpFault } from './faults.ts'
import { NotTaken, type Outlet } from './outlet.ts'

export interface SmtpOptions {
  readonly host: string
  readonly port: number
  readonly tls: 'starttls' | 'implicit' | 'none'
  readonly serverName?: string
  readonly username?: string
  readonly password?: Secret
  /** PEM; absent: those of the system. */
  readonly authorities?: string
  /** Milliseconds for each answer of the server. */
  readonly patienceMs?: number
}

const PATIENCE_MS = 20_000

/** A mail server (RFC 5321; submission: RFC 6409, RFC 8314). One connection, kept over several mails. */
export function smtpOutlet(options: SmtpOptions): Outlet {
  const { host, port, tls, serverName, username, password, authorities, patienceMs = PATIENCE_MS } = options
  const transport = createTransport({
    host,
    port,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    tls: { servername: serverName, ca: authorities, minVersion: 'TLSv1.2' },
    auth: username === undefined ? undefined : { user: username, pass: password?.reveal() ?? '' },
    pool: true,
    maxConnections: 1,
    // Whether and when it is tried again is decided by the queue.
    maxRequeues: 0,
    connectionTimeout: patienceMs,
    greetingTimeout: patienceMs,
    socketTimeout: patienceMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return {
    async send(letter) {
      const mail = mailOptions(letter)
      try {
        const { response } = await transport.sendMail(mail)
        return response
      } catch (error) {
        throw ofMail(error) ?? smtpFault(error, `${host}:${port}`)
      }
    },
    async check() {
      try {
        await transport.verify()
      } catch (error) {
        throw smtpFault(error, `${host}:${port}`)
      }
    },
    close: () => transport.close(),
  }
}

/** Answers to the recipient and to the content are about the mail; to all else, about the server. */
const ABOUT_MAIL = new Set(['RCPT TO', 'DATA'])

function ofMail(error: unknown): NotTaken | undefined {
  const { command = '', responseCode, response } = error as SmtpError
  if (!ABOUT_MAIL.has(command) || responseCode === undefined) return undefined
  // RFC 5321 §3.8: the server closes the channel.
  if (responseCode === 421) return undefined
  return new NotTaken(oneLine(response ?? messageOf(error)), responseCode >= 500, { cause: error })
}
