import { createTransport } from 'nodemailer'
import { mailOptions } from './encode.ts'
import type { Letter } from './outlet.ts'

/** The mail as SMTP would carry it (RFC 5322). @throws NotTaken */
export async function rawMail(letter: Letter): Promise<Buffer> {
  const transport = createTransport({ streamTransport: true, buffer: true, newline: 'unix' })
  const { message } = await transport.sendMail(mailOptions(letter))
  return message as Buffer
}
