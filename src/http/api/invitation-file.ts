import { type Invited, isInvitee, type NotInvited, type WhyNotInvited } from '../../manage/inviting-many.ts'
import { fileForms } from './record-file.ts'

/** @param words why somebody was not invited, for people. */
export function invitationFile(words: (why: WhyNotInvited) => string) {
  return fileForms<Invited | NotInvited>(['name', 'link', 'code', 'until', 'not_invited'], (each) => {
    if (!isInvitee(each)) return { name: each.name, not_invited: words(each.why) }
    const { name, link, code, until } = each
    return { name, link, code, until: new Date(until).toISOString() }
  }).csv
}
