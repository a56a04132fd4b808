import { messageOf } from '../domain/errors.ts'
import { CannotSend } from './outlet.ts'

/** What nodemailer's errors have. */
export interface SmtpError {
  readonly code?: string
  readonly command?: string
  readonly response?: string
  readonly responseCode?: number
}

/**
 * What is wrong with a mail server, in its own words, and what to do. Holds no password: nodemailer's errors hold none.
 * @param where host and port.
 */
export function smtpFault(error: unknown, where: string): CannotSend {
  const { code = '', response, command } = error as SmtpError
  const said = oneLine(response ?? messageOf(error))
  const fault = (problem: string, remedy: string) => new CannotSend(problem, remedy, { cause: error })
  if (code === 'EAUTH')
    return fault(
      `${where} refuses the login: ${said}`,
      'correct mail.smtp.username and the password in its file',
    )
  if (/certificate|altnames/i.test(said))
    return fault(
      `${where} shows a certificate that is not trusted: ${said}`,
      'correct mail.smtp.ca_file, or server_name',
    )
  if (code === 'ETLS' || /ssl|tls/i.test(said))
    return fault(
      `${where} speaks no such TLS: ${said}`,
      'correct mail.smtp.tls and port (587 for starttls, 465 for implicit, 25 for none)',
    )
  if (command === 'MAIL FROM')
    return fault(`${where} refuses the sender: ${said}`, 'correct mail.from, or let the server take it')
  if (code === 'EDNS' || code === 'ENOTFOUND')
    return fault(`${where} cannot be found: ${said}`, 'correct mail.smtp.host')
  return fault(
    `${where} cannot be used: ${said}`,
    'correct mail.smtp.host and port, and see that the server runs and lets the broker in',
  )
}

export function folderFault(error: unknown, folder: string): CannotSend {
  return new CannotSend(
    `${folder} cannot be written: ${messageOf(error)}`,
    'correct mail.folder, or the rights of the folder',
    { cause: error },
  )
}

/** @param said what it ended with, or why it did not run. */
export function pipeFault(said: string, program: string, cause?: unknown): CannotSend {
  return new CannotSend(`${program} takes no mail: ${said}`, 'correct mail.pipe, and try it by hand', {
    cause,
  })
}

const MAX_FAULT = 300

/** Of what a server says, which may be anything. */
export function oneLine(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, MAX_FAULT)
}
