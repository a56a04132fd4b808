import type { Router } from 'express'
import { namesWith } from '../../domain/known-names.ts'
import { parameter } from '../layout/forms.ts'
import { needs } from './admission.ts'
import type { AdminConsole } from './console.ts'
import { searchText } from './filters.ts'

const PATH = '/desk/users'
const PAGE_SIZE = 200
/** Names that are looked through. */
const MAX_NAMES = 20_000

/** Local users, and everybody whom the records know. */
export function peopleRoutes(router: Router, admin: AdminConsole): void {
  const { records } = admin.services

  router.get('/users', needs('users:read'), async (request, response) => {
    const q = parameter(request, 'q')
    const after = parameter(request, 'after')
    const all = await records.names.list(MAX_NAMES)
    const found = q === '' ? all : namesWith(all, q)
    const first = after === '' ? 0 : found.indexOf(after) + 1
    const names = found.slice(first, first + PAGE_SIZE)
    const last = found.length > first + PAGE_SIZE ? names.at(-1) : undefined
    admin.show(response, {
      view: 'users',
      title: (t) => t('admin.users.title'),
      area: 'users',
      data: {
        q,
        names,
        page: {
          after: first === 0 ? undefined : after,
          firstPage: searchText(PATH, { q }),
          nextPage: last && searchText(PATH, { q, after: last }),
        },
      },
    })
  })
}
