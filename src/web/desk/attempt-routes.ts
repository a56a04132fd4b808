import type { Request, Router } from 'express'
import { type AttemptTally, TALLY_KEYS } from '../../domain/attempt-tally.ts'
import type { AuditEvent } from '../../domain/audit.ts'
import { overOf } from '../../domain/scope.ts'
import { fileForms, sendFile } from '../../http/api/record-file.ts'
import { callerOf } from '../../http/caller.ts'
import { PORTAL } from '../../login/flow.ts'
import { parameter } from '../layout/forms.ts'
import { needs } from './admission.ts'
import { type AttemptView, attemptViewIn, fold, SPANS } from './attempts.ts'
import type { AdminConsole } from './console.ts'
import { oneOf, recordId, searchText } from './filters.ts'
import { KeptAnswers } from './kept-answers.ts'
import { eventsSince } from './recent-events.ts'

const PATH = '/desk/attempts'
/** Events that are read for one page, on which repeats are folded. */
const PAGE_EVENTS = 120
const MAX_GROUPS = 100
const MAX_GROUPS_IN_FILE = 10_000
const EVENT_FILE = '/api/v1/audit-events/export'

/** Login attempts: one by one, or grouped by where they came from, whom they were for, or when. */
export function attemptRoutes(router: Router, admin: AdminConsole): void {
  const { clock } = admin.services
  const gateways = [...admin.services.gateways, PORTAL]
  const kept = new KeptAnswers(() => clock.monotonic())

  router.get('/attempts', needs('audit:read', true), async (request, response) => {
    admin.show(response, {
      view: 'attempts',
      title: (t) => t('admin.attempts.title'),
      area: 'attempts',
      blocksUnder: '56rem',
      data: await dataOf(request),
    })
  })

  router.get('/attempts/live', needs('audit:read', true), async (request, response) => {
    admin.showPart(response, 'attempt-list', await dataOf(request))
  })

  router.get('/attempts/file', needs('audit:read', true), async (request, response) => {
    const form = FILE_FORMS[oneOf(request, 'format', ['csv', 'ndjson'])]
    const tallies = await tally(request, viewIn(request), MAX_GROUPS_IN_FILE)
    const chunk = async (after: AttemptTally | undefined) => (after === undefined ? tallies : [])
    await sendFile(response, { name: 'attempts', form, chunk, most: MAX_GROUPS_IN_FILE })
  })

  function viewIn(request: Request): AttemptView {
    return attemptViewIn(request, gateways, clock.now())
  }

  async function dataOf(request: Request) {
    const view = viewIn(request)
    const { by, parameters, query } = view
    const linkWith = (change: Readonly<Record<string, string | undefined>>) =>
      searchText(PATH, { ...parameters, ...change })
    const after = recordId(parameter(request, 'after'))
    const events = by === undefined ? await eventsOf(request, view, after) : []
    const shown = events.slice(0, PAGE_EVENTS)
    const next = events.length > PAGE_EVENTS ? shown.at(-1)?.id : undefined
    return {
      view,
      keys: TALLY_KEYS,
      spans: SPANS,
      tallies: by === undefined ? [] : await tally(request, view, MAX_GROUPS),
      attempts: fold(shown.filter(({ kind }) => kind.startsWith('login.'))),
      page: { after, firstPage: linkWith({}), nextPage: next && linkWith({ after: next }) },
      live: searchText(`${PATH}/live`, { ...parameters, after }),
      linkWith,
      isFiltered: query.typed !== '' || view.gateway !== undefined || view.hour !== undefined,
      files: ['csv', 'ndjson'].map((format) => ({ format, href: fileOf(view, format) })),
    }
  }

  async function eventsOf(
    request: Request,
    view: AttemptView,
    after?: string,
  ): Promise<readonly AuditEvent[]> {
    const { query, gateway, since, before } = view
    if (query.isInvalid) return []
    const records = admin.recordsOf(request)
    const search = { user: query.user, address: query.address, gateway, before, limit: PAGE_EVENTS + 1 }
    return after === undefined
      ? eventsSince(records.audit, since, search)
      : records.audit.list({ ...search, since, after })
  }

  function tally(request: Request, view: AttemptView, limit: number): Promise<readonly AttemptTally[]> {
    const { by = 'network', query, gateway, since, before, parameters } = view
    if (query.isInvalid) return Promise.resolve([])
    const { user, address } = query
    return kept.get(JSON.stringify([overOf(callerOf(request).rights), parameters, limit]), () =>
      admin.recordsOf(request).attempts.tally({ by, user, address, gateway, since, before, limit }),
    )
  }
}

/** The file of the view: its groups, or all events of what it shows. */
function fileOf({ by, query, gateway, since, before, parameters }: AttemptView, format: string): string {
  if (by !== undefined) return searchText(`${PATH}/file`, { ...parameters, format })
  const time = (at: number) => new Date(at).toISOString()
  const { user, address } = query
  return searchText(EVENT_FILE, { user, address, gateway, since: time(since), before: time(before), format })
}

const FILE_FORMS = fileForms<AttemptTally>(
  ['key', 'accepted', 'refused', 'locked', 'addresses', 'users', 'first', 'last'],
  (tally) => ({
    ...tally,
    first: new Date(tally.first).toISOString(),
    last: new Date(tally.last).toISOString(),
  }),
)
