import type { Invited } from '../../manage/inviting-many.ts'
import { type QrPicture, qrPicture } from '../portal/qr.ts'

/** What the template of a sheet shows. */
export interface ShownSheet extends Pick<Invited, 'name' | 'code' | 'until' | 'link'> {
  readonly qr?: QrPicture
}

export function shownSheet({ name, code, until, link }: Invited): ShownSheet {
  return { name, code, until, link, qr: link === undefined ? undefined : qrPicture(link) }
}
