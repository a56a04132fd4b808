import type { Request, Response, Router } from 'express'
import { canonicalUserName } from '../../domain/login-name.ts'
import { codeLink } from '../../domain/readable-code.ts'
import { demand, demandRightsOver } from '../../http/api/authenticate.ts'
import { callerOf } from '../../http/caller.ts'
import type { Recipient, ShownCode } from '../../manage/code-mails.ts'
import { field } from '../layout/forms.ts'
import { needs } from './admission.ts'
import { type AdminConsole, type ConsoleAuditContext, type FormProblem, isContext } from './console.ts'
import { DEFAULT_INVITATION_MS, INVITATIONS, PersonPage } from './person.ts'

/** Links by which local users choose a password. */
export function passwordLinkRoutes(router: Router, admin: AdminConsole): void {
  const person = new PersonPage(admin)

  router.post('/users/:name/password-link', needs('passwords:mail', true), async (request, response) => {
    const typed = String(request.params.name)
    const context = admin.auditContextIn(request)
    if (!isContext(context)) return person.show(response, typed, context)
    const name = canonicalUserName(typed)
    if (name === undefined) return person.show(response, typed, 'unknown_user')
    await demandRightsOver(name, callerOf(request), admin.services)
    const made = await makeLink(request, admin, name, context)
    if (!isMade(made)) return person.show(response, typed, made)
    showLink(response, admin, name, made)
  })
}

export interface MadeLink extends ShownCode {
  readonly recipient?: Recipient
}

export function isMade(made: MadeLink | FormProblem): made is MadeLink {
  return typeof made === 'object' && 'code' in made
}

/** As the fields `for` and `by` of the form say. @returns why there is none. @throws Problem `missing-scope` */
export async function makeLink(
  request: Request,
  { services: { passwordLinks } }: AdminConsole,
  name: string,
  context: ConsoleAuditContext,
): Promise<MadeLink | FormProblem> {
  const validMs = INVITATIONS.find((each) => String(each) === field(request, 'for')) ?? DEFAULT_INVITATION_MS
  const isMailed = field(request, 'by') === 'mail'
  if (!isMailed) demand(callerOf(request), 'passwords:write', true)
  const recipient = isMailed ? await passwordLinks.mails?.recipientOf(name) : undefined
  if (recipient === 'barred') return 'may_not_log_in'
  if (typeof recipient === 'string') return recipient
  const made = await passwordLinks.make(name, context, validMs, recipient)
  return made === undefined ? 'may_not_log_in' : { ...made, recipient }
}

/** The link, this once; where it was mailed, nobody else sees it. */
export function showLink(
  response: Response,
  admin: AdminConsole,
  name: string,
  { code, until, recipient }: MadeLink,
): void {
  const { publicUrl } = admin.services
  const isShown = recipient === undefined
  admin.show(response, {
    view: 'password-link',
    isSecret: true,
    title: (t) => t('admin.passwordLink.made', { user: name }),
    width: 'slim',
    area: 'users',
    data: {
      ...{ name, until, mailedTo: recipient?.address },
      code: isShown ? code : undefined,
      link: isShown && publicUrl ? codeLink(publicUrl, '/choose-password', name, code) : undefined,
    },
  })
}
