import type { Request, Router } from 'express'
import { parseLoginName } from '../../domain/login-name.ts'
import { parseSearchedPlace } from '../../domain/network.ts'
import { Problem } from '../../http/problem.ts'
import { isTimelineCursor, readTimeline, type TimelineSubject } from '../../manage/timeline.ts'
import { parameter } from '../layout/forms.ts'
import { needs } from './admission.ts'
import type { AdminConsole } from './console.ts'
import { recordId, searchText } from './filters.ts'
import { shownEntries } from './timeline.ts'

const PAGE_SIZE = 100

interface Found {
  readonly subject: TimelineSubject
  readonly title: string
  readonly filter: Readonly<Record<string, string>>
}

/** All that happened to a user, at an address, or around a session. */
export function timelineRoutes(router: Router, admin: AdminConsole): void {
  const { clock } = admin.services

  router.get('/timeline', needs('audit:read', true), async (request, response) => {
    const found = await subjectIn(request)
    if (found === undefined) throw new Problem('not-found')
    const { subject, title, filter } = found
    const after = parameter(request, 'after')
    const cursor = isTimelineCursor(after) ? after : undefined
    const { entries, next } = await readTimeline(subject, admin.recordsOf(request), {
      now: clock.now(),
      cursor,
      limit: PAGE_SIZE,
    })
    admin.show(response, {
      view: 'timeline-page',
      title: (t) => t('admin.timeline.of', { subject: title }),
      area: 'audit',
      data: {
        heading: title,
        timeline: shownEntries(entries),
        showsUser: subject.kind === 'address',
        page: {
          after: cursor,
          firstPage: searchText('/desk/timeline', filter),
          nextPage: next && searchText('/desk/timeline', { ...filter, after: next }),
        },
      },
    })
  })

  async function subjectIn(request: Request): Promise<Found | undefined> {
    const id = recordId(parameter(request, 'session'))
    if (id !== undefined) {
      const session = await admin.recordsOf(request).sessions.find(id)
      const title = session && [session.user, session.ipv4 ?? session.ipv6 ?? session.address]
      return (
        session && {
          subject: { kind: 'session', session },
          title: title?.filter(Boolean).join(' · ') ?? '',
          filter: { session: id },
        }
      )
    }
    const address = parseSearchedPlace(parameter(request, 'address'))
    if (address !== undefined)
      return { subject: { kind: 'address', address }, title: address, filter: { address } }
    const typed = parameter(request, 'user')
    const user = parseLoginName(typed)?.username
    return user === undefined
      ? undefined
      : { subject: { kind: 'user', user }, title: typed, filter: { user: typed } }
  }
}
