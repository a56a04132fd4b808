import type { Request, Router } from 'express'
import { Unavailable } from '../../domain/errors.ts'
import { INVITABLE } from '../../domain/people.ts'
import { invitationFile } from '../../http/api/invitation-file.ts'
import { callerOf } from '../../http/caller.ts'
import { type Invitee, inviteMany, isInvitee, type NotInvited } from '../../manage/inviting-many.ts'
import { field, fields } from '../layout/forms.ts'
import { shownSheet } from '../sheets/shown-sheet.ts'
import { needs } from './admission.ts'
import { type AdminConsole, isContext } from './console.ts'
import { findPeople } from './people-list.ts'
import { showPeople } from './people-routes.ts'
import { DEFAULT_INVITATION_MS, INVITATIONS } from './person.ts'

/** More are invited in several goes, of which each begins where the last one ended. */
const MAX_INVITED = 200

/** Invites several people with one reason. The codes are in the answer and nowhere else. */
export function inviteRoutes(router: Router, admin: AdminConsole): void {
  const { inviting, subjectOf, mayActOn, maySee, publicUrl } = admin.services

  router.post('/users/invite-many', needs('enrolments:write', true), async (request, response) => {
    const context = admin.auditContextIn(request)
    if (!isContext(context)) return showPeople(response, admin, context)
    const names = await namesIn(request)
    if (names.length === 0) return showPeople(response, admin, 'nobody_chosen')
    const chosen = INVITATIONS.find((each) => String(each) === field(request, 'for'))
    const validMs = chosen ?? DEFAULT_INVITATION_MS
    const byMail = inviting.mails !== undefined && field(request, 'as') === 'mail'
    const answers = await Array.fromAsync(
      inviteMany(selected(names.slice(0, MAX_INVITED), request), {
        ...{ inviting, context, validMs, publicUrl, byMail },
      }),
    )
    const next = names.length > MAX_INVITED ? names[MAX_INVITED - 1] : undefined
    if (field(request, 'as') === 'csv') {
      const file = invitationFile((why) => admin.textFor(request, (t) => t(`admin.inviteMany.why.${why}`)))
      response.attachment(`invitations.${file.extension}`).type(file.type)
      const more = next !== undefined ? [file.lineOf({ name: '', why: 'more' })] : []
      response.send([file.head, ...answers.map((each) => file.lineOf(each)), ...more].join(''))
      return
    }
    const { back, invite, isReminder } = await findPeople(request, admin)
    const invited = answers.filter(isInvitee)
    const sheets = byMail ? [] : invited.map(shownSheet)
    admin.show(response, {
      view: 'invited-many',
      isSecret: true,
      title: (t) => t('admin.inviteMany.done', { count: invited.length }),
      width: 'narrow',
      area: 'users',
      data: {
        ...{ sheets, back, byMail, count: invited.length },
        next: next && { from: next, action: invite, validMs, reason: context.reason, isReminder },
        left: answers.filter((each) => !isInvitee(each)),
      },
    })
  })

  async function* selected(names: readonly string[], request: Request): AsyncGenerator<Invitee | NotInvited> {
    for (const name of names) yield await inviteeOf(name, request)
  }

  async function inviteeOf(name: string, request: Request): Promise<Invitee | NotInvited> {
    try {
      if (!(await maySee(name, callerOf(request)))) return { name, why: 'unknown' }
      const subject = await subjectOf(name)
      if (subject === undefined) return { name, why: 'unknown' }
      return (await mayActOn(subject, callerOf(request).rights))
        ? { name, subject }
        : { name, why: 'forbidden' }
    } catch (error) {
      if (error instanceof Unavailable) return { name, why: 'unavailable' }
      throw error
    }
  }

  /** Those whose boxes were ticked, or all who match after the field `from`, but for those who have used their invitation. */
  async function namesIn(request: Request): Promise<readonly string[]> {
    const { filter, search } = await findPeople(request, admin)
    if (field(request, 'all') === '') return fields(request, 'name')
    if (!INVITABLE.some((each) => each === filter)) return []
    const { people } = admin.recordsOf(request)
    const names: string[] = []
    for (let after = field(request, 'from') || undefined; names.length <= MAX_INVITED; ) {
      const page = await people.list({ ...search, after, limit: MAX_INVITED })
      const meant = page.filter(({ invitation }) => filter !== 'invited' || invitation?.usedAt === undefined)
      names.push(...meant.map(({ name }) => name))
      after = page.at(-1)?.name
      if (page.length < MAX_INVITED) break
    }
    return names
  }
}
