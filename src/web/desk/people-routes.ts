import type { Response, Router } from 'express'
import { field, fields } from '../layout/forms.ts'
import { needs } from './admission.ts'
import type { AdminConsole, FormProblem } from './console.ts'
import { findPeople } from './people-list.ts'
import { DEFAULT_INVITATION_MS, INVITATIONS } from './person.ts'

/** Local users, and everybody whom the records know. */
export function peopleRoutes(router: Router, admin: AdminConsole): void {
  router.get('/users', needs('users:read', true), (_request, response) => showPeople(response, admin))
}

/** @param problem of the form that invites several. */
export async function showPeople(
  response: Response,
  admin: AdminConsole,
  problem?: FormProblem,
): Promise<void> {
  const request = response.req
  admin.show(response, {
    view: 'users',
    title: (t) => t('admin.users.title'),
    area: 'users',
    problem,
    data: {
      list: await findPeople(request, admin),
      chosen: fields(request, 'name'),
      reason: field(request, 'reason'),
      invitations: INVITATIONS,
      sendsMail: admin.services.inviting.mails !== undefined,
      validMs: field(request, 'for') || String(DEFAULT_INVITATION_MS),
    },
  })
}
