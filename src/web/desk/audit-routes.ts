import type { Request, Router } from 'express'
import { AUDIT_KINDS } from '../../domain/audit.ts'
import { parsePlace } from '../../domain/network.ts'
import { PORTAL } from '../../login/sign-in.ts'
import { parameter } from '../frame/forms.ts'
import { needs } from './admission.ts'
import type { Desk } from './desk.ts'
import { afterIn, listPage, maybeOf, searchText, wantedIn } from './filters.ts'

const PAGE = 50
const EXPORT = '/api/v1/audit-events/export'

/** The audit trail, to be looked through and taken along. */
export function auditRoutes(router: Router, desk: Desk): void {
  const { records, gateways } = desk.dependencies

  router.get('/audit', needs('audit:read'), async (request, response) => {
    const named = wantedIn(request, 'user')
    // An address that is typed where a name belongs is meant as one.
    const typedAddress = parameter(request, 'address')
    const address = parsePlace(typedAddress) ?? named.address
    const kind = maybeOf(request, 'kind', AUDIT_KINDS)
    const gateway = maybeOf(request, 'gateway', [...gateways, PORTAL])
    const zone = zoneIn(request)
    const [since, before] = [momentIn(request, 'from', zone), momentIn(request, 'to', zone)]
    const after = afterIn(request)
    const isNothing = named.isNothing || (typedAddress !== '' && address === undefined)
    const { user } = named
    const search = { user, address, gateway, since, before, kinds: kind === undefined ? undefined : [kind] }
    const page = isNothing
      ? { items: [], next: undefined }
      : await listPage(PAGE, (limit) =>
          records.auditTrail.search({ ...search, after, order: 'newest', limit }),
        )
    const typed = {
      ...{ user: named.typed, address: typedAddress, kind, gateway },
      ...{ from: parameter(request, 'from'), to: parameter(request, 'to') },
    }
    const filter = { ...typed, zone: parameter(request, 'zone') }
    const exported = { user, address, gateway, kind, since: timeText(since), before: timeText(before) }
    desk.show(request, response, {
      view: 'audit',
      title: ({ audit }) => audit.title,
      area: 'audit',
      data: {
        ...{ typed, zone, kinds: AUDIT_KINDS, events: page.items },
        isFirst: after === undefined,
        isFiltered: Object.values(typed).some((each) => each !== undefined && each !== ''),
        firstPage: searchText('/desk/audit', filter),
        nextPage: page.next && searchText('/desk/audit', { ...filter, after: page.next }),
        exports: isNothing
          ? []
          : ['csv', 'ndjson'].map((format) => ({
              format,
              href: searchText(EXPORT, { ...exported, format }),
            })),
      },
    })
  })
}

/** The browser's own time zone, where its script has told it; the server's otherwise. */
function zoneIn(request: Request): string {
  const given = parameter(request, 'zone')
  try {
    if (given !== '') return new Intl.DateTimeFormat('en', { timeZone: given }).resolvedOptions().timeZone
  } catch {
    // No time zone is called so.
  }
  return new Intl.DateTimeFormat('en').resolvedOptions().timeZone
}

/** A moment as `datetime-local` writes it, in wall milliseconds. */
function momentIn(request: Request, name: string, zone: string): number | undefined {
  try {
    return Temporal.PlainDateTime.from(parameter(request, name)).toZonedDateTime(zone).epochMilliseconds
  } catch {
    return undefined
  }
}

function timeText(at: number | undefined): string | undefined {
  return at === undefined ? undefined : new Date(at).toISOString()
}
