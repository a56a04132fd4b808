import type { Request, Router } from 'express'
import { AUDIT_KINDS } from '../../domain/audit.ts'
import { parseSearchedPlace } from '../../domain/network.ts'
import { PORTAL } from '../../login/flow.ts'
import { parameter } from '../layout/forms.ts'
import { needs } from './admission.ts'
import type { AdminConsole } from './console.ts'
import { listPage, maybeOf, queryIn, recordId, searchText } from './filters.ts'

const PATH = '/desk/audit'
const PAGE_SIZE = 50
const EXPORT = '/api/v1/audit-events/export'

/** Searches and exports the audit trail. */
export function auditRoutes(router: Router, admin: AdminConsole): void {
  const { gateways } = admin.services

  router.get('/audit', needs('audit:read', true), async (request, response) => {
    admin.show(response, {
      view: 'audit',
      title: (t) => t('admin.audit.title'),
      area: 'audit',
      blocksUnder: '56rem',
      data: await dataOf(request),
    })
  })

  router.get('/audit/live', needs('audit:read', true), async (request, response) => {
    admin.showPart(response, 'audit-list', await dataOf(request))
  })

  async function dataOf(request: Request) {
    const named = queryIn(request, 'user')
    const typedAddress = parameter(request, 'address')
    // An address in the field for the user name counts as an address.
    const address = parseSearchedPlace(typedAddress) ?? named.address
    const kind = maybeOf(request, 'kind', AUDIT_KINDS)
    const gateway = maybeOf(request, 'gateway', [...gateways, PORTAL])
    const zone = zoneIn(request)
    const [since, before] = [momentIn(request, 'from', zone), momentIn(request, 'to', zone)]
    const isInvalid = named.isInvalid || (typedAddress !== '' && address === undefined)
    const { user } = named
    const attempt = recordId(parameter(request, 'attempt'))
    const search = { user, attempt, address, gateway, since, before, kinds: kind && [kind] }
    const typed = {
      user: named.typed,
      address: typedAddress,
      kind,
      gateway,
      attempt,
      from: parameter(request, 'from'),
      to: parameter(request, 'to'),
    }
    const filter = { ...typed, zone: parameter(request, 'zone') }
    const page = await listPage(request, {
      path: PATH,
      filter,
      size: PAGE_SIZE,
      find: isInvalid ? undefined : (part) => admin.recordsOf(request).audit.list({ ...search, ...part }),
    })
    const exported = { user, address, gateway, kind, since: isoText(since), before: isoText(before) }
    return {
      typed,
      isInvalid,
      zone,
      page,
      kinds: AUDIT_KINDS,
      isFiltered: Object.values(typed).some((each) => each !== undefined && each !== ''),
      exports: ['csv', 'ndjson'].map((format) => ({
        format,
        href: searchText(EXPORT, { ...exported, format }),
      })),
      live: searchText(`${PATH}/live`, { ...filter, after: page.after }),
    }
  }
}

/** The browser's time zone, which its script adds to the form; the server's otherwise. */
function zoneIn(request: Request): string {
  const given = parameter(request, 'zone')
  try {
    if (given !== '') return new Intl.DateTimeFormat('en', { timeZone: given }).resolvedOptions().timeZone
  } catch {
    // There is no such time zone.
  }
  return new Intl.DateTimeFormat('en').resolvedOptions().timeZone
}

/** @returns a moment in the form of `datetime-local`, in wall milliseconds. */
function momentIn(request: Request, name: string, zone: string): number | undefined {
  try {
    return Temporal.PlainDateTime.from(parameter(request, name)).toZonedDateTime(zone).epochMilliseconds
  } catch {
    return undefined
  }
}

function isoText(at: number | undefined): string | undefined {
  return at === undefined ? undefined : new Date(at).toISOString()
}
