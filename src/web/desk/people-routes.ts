import type { Response, Router } from 'express'
import { needs } from './admission.ts'
import type { AdminConsole } from './console.ts'
import { findPeople } from './people-list.ts'

/** Local users, and everybody whom the records know. */
export function peopleRoutes(router: Router, admin: AdminConsole): void {
  router.get('/users', needs('users:read'), async (_request, response) => showList(response))

  async function showList(response: Response): Promise<void> {
    admin.show(response, {
      view: 'users',
      title: (t) => t('admin.users.title'),
      area: 'users',
      data: { list: await findPeople(response.req, admin) },
    })
  }
}
