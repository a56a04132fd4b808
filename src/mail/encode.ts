import type { SendMailOptions } from 'nodemailer'
import { isMailAddress } from '../domain/mail-address.ts'
import { type Letter, NotTaken } from './outlet.ts'

/**
 * As nodemailer takes it. It guards headers itself; this is the second lock: nothing that could end a header, and one
 * recipient. @throws NotTaken
 */
export function mailOptions({
  messageId,
  date,
  from,
  to,
  subject,
  text,
  html,
  pictures,
}: Letter): SendMailOptions {
  if (!isMailAddress(to)) throw new NotTaken('this is not a mail address', true)
  if ([subject, messageId, from.name ?? ''].some((header) => /\p{Cc}/u.test(header)))
    throw new NotTaken('a header holds a line break', true)
  return {
    messageId: `<${messageId}>`,
    date,
    from: { name: from.name ?? '', address: from.address },
    to: { name: '', address: to },
    envelope: { from: from.address, to: [to] },
    subject,
    text,
    html,
    // RFC 3834 §5: no automatic answers to it.
    headers: { 'Auto-Submitted': 'auto-generated' },
    attachments: pictures.map(({ cid, name, png }) => ({
      cid,
      filename: name,
      content: png,
      contentType: 'image/png',
      contentDisposition: 'inline' as const,
    })),
    disableFileAccess: true,
    disableUrlAccess: true,
  }
}
