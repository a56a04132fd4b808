import type { Request, Router } from 'express'
import { Unavailable } from '../../domain/errors.ts'
import { fileForms } from '../../http/api/record-file.ts'
import { callerOf } from '../../http/caller.ts'
import { field, fields } from '../layout/forms.ts'
import { qrPicture } from '../portal/qr.ts'
import { needs } from './admission.ts'
import { type AdminConsole, type ConsoleAuditContext, isContext } from './console.ts'
import { findPeople } from './people-list.ts'
import { showPeople } from './people-routes.ts'
import { DEFAULT_INVITATION_MS, INVITATIONS } from './person.ts'

/** More are invited in several goes. */
const MAX_INVITED = 200

/** Why somebody of those that were chosen was not invited. */
type Left = 'unknown' | 'forbidden' | 'unavailable'

interface Sheet {
  readonly name: string
  readonly code: string
  /** Wall milliseconds. */
  readonly until: number
  readonly link?: string
}

const { csv: FILE } = fileForms<Sheet>(['name', 'link', 'code', 'until'], (sheet) => ({
  ...sheet,
  until: new Date(sheet.until).toISOString(),
}))

/** Invites several people with one reason. The codes are in the answer and nowhere else. */
export function inviteRoutes(router: Router, admin: AdminConsole): void {
  const { inviting, subjectOf, mayActOn, records, publicUrl } = admin.services

  router.post('/users/invite-many', needs('enrolments:write'), async (request, response) => {
    const context = admin.auditContextIn(request)
    if (!isContext(context)) return showPeople(response, admin, context)
    const names = await namesIn(request)
    if (names.length === 0) return showPeople(response, admin, 'nobody_chosen')
    const sheets: Sheet[] = []
    const left: { readonly name: string; readonly why: Left }[] = []
    for (const name of names.slice(0, MAX_INVITED)) {
      const answer = await invite(name, request, context)
      if (typeof answer === 'string') left.push({ name, why: answer })
      else sheets.push(answer)
    }
    if (field(request, 'as') === 'csv') {
      const lines = sheets.map((sheet) => FILE.lineOf(sheet)).join('')
      response
        .attachment(`invitations.${FILE.extension}`)
        .type(FILE.type)
        .send(FILE.head + lines)
      return
    }
    const { back } = await findPeople(request, admin)
    admin.show(response, {
      view: 'invited-many',
      title: (t) => t('admin.inviteMany.done', { count: sheets.length }),
      width: 'narrow',
      area: 'users',
      data: {
        sheets: sheets.map((sheet) => ({ ...sheet, qr: sheet.link && qrPicture(sheet.link) })),
        left,
        isMore: names.length > MAX_INVITED,
        back,
      },
    })
  })

  async function invite(name: string, request: Request, context: ConsoleAuditContext): Promise<Sheet | Left> {
    const validMs = INVITATIONS.find((each) => String(each) === field(request, 'for'))
    try {
      const subject = await subjectOf(name)
      if (subject === undefined) return 'unknown'
      if (!(await mayActOn(subject, callerOf(request).rights))) return 'forbidden'
      const { code, until } = await inviting.invite(subject, context, validMs ?? DEFAULT_INVITATION_MS)
      const link = publicUrl && `${publicUrl}/enrol?${new URLSearchParams({ name })}`
      return { name, code, until, link }
    } catch (error) {
      if (error instanceof Unavailable) return 'unavailable'
      throw error
    }
  }

  /** Those whose boxes were ticked, or all who match and have no authenticator. */
  async function namesIn(request: Request): Promise<readonly string[]> {
    const { filter, search } = await findPeople(request, admin)
    if (field(request, 'all') === '') return fields(request, 'name')
    if (filter !== 'not_enrolled') return []
    const found = await records.people.list({ ...search, limit: MAX_INVITED + 1 })
    return found.map(({ name }) => name)
  }
}
