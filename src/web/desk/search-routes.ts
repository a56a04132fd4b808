import type { Request, Router } from 'express'
import { Unavailable } from '../../domain/errors.ts'
import { namesWith, nearestNames } from '../../domain/known-names.ts'
import { foldName } from '../../domain/login-name.ts'
import { parseAddress } from '../../domain/network.ts'
import { callerOf } from '../../http/caller.ts'
import type { PartialRecords } from '../../manage/records-over.ts'
import { goTo, parameter } from '../layout/forms.ts'
import { needs } from './admission.ts'
import type { AdminConsole } from './console.ts'
import { personPath, queryOf, recordId, searchText } from './filters.ts'

/** Something that was found, with the page about it. */
interface Hit {
  readonly kind: 'user' | 'address' | 'network' | 'session' | 'lockout' | 'event'
  readonly text: string
  readonly href: string
}

/** Names that are looked through, and hits that are shown. */
const MAX_NAMES = 100_000
const MAX_HITS = 50
const MAX_NEAREST = 5

/** The box at the top of every page: one hit opens it, several are listed. */
export function searchRoutes(router: Router, admin: AdminConsole): void {
  const { subjectOf, maySee } = admin.services

  router.get('/search', needs('lockouts:read', true), async (request, response) => {
    const typed = parameter(request, 'q')
    const records = admin.recordsOf(request)
    const hits = typed === '' ? [] : await find(typed, request)
    const [only] = hits
    if (only !== undefined && hits.length === 1) return goTo(response, only.href)
    const { user } = queryOf(typed)
    const isTried = user !== undefined && (await records.audit.list({ user, limit: 1 })).length > 0
    admin.show(response, {
      view: 'search',
      title: (t) => t('admin.found.title'),
      data: {
        typed,
        hits: hits.slice(0, MAX_HITS),
        isMore: hits.length > MAX_HITS,
        isName: user !== undefined,
        nearest: hits.length === 0 ? await nearest(typed, request) : [],
        tried:
          isTried && hits.length === 0 ? searchText('/desk/attempts', { q: typed, span: '7d' }) : undefined,
      },
    })
  })

  async function nearest(typed: string, request: Request): Promise<readonly string[]> {
    const { names } = admin.recordsOf(request)
    return nearestNames(await names.list({ limit: MAX_NAMES, length: typed.length }), typed, MAX_NEAREST)
  }

  async function find(typed: string, request: Request): Promise<readonly Hit[]> {
    const id = recordId(typed.toLowerCase())
    if (id !== undefined) return findRecord(id, admin.recordsOf(request))
    const { address } = queryOf(typed)
    return address === undefined ? findUsers(typed, request) : findPlace(address, admin.recordsOf(request))
  }

  async function findUsers(typed: string, request: Request): Promise<readonly Hit[]> {
    const { user } = queryOf(typed)
    if (user === undefined) return []
    const names = await admin.recordsOf(request).names.list({ limit: MAX_NAMES, part: foldName(user) })
    const exact = names.includes(user) || (await isKnown(typed, request))
    if (exact) return [userHit(typed)]
    return namesWith(names, user).map(userHit)
  }

  /** Whether an identity store knows the name, of which the records may know nothing yet. */
  async function isKnown(typed: string, request: Request): Promise<boolean> {
    try {
      if (!(await maySee(typed, callerOf(request)))) return false
      return (await subjectOf(typed)) !== undefined
    } catch (error) {
      if (error instanceof Unavailable) return false
      throw error
    }
  }

  async function findPlace(place: string, records: PartialRecords): Promise<readonly Hit[]> {
    const isAddress = parseAddress(place) !== undefined
    const inTheVpn = isAddress ? await records.sessions.list({ ip: place, limit: MAX_HITS }) : []
    const hit: Hit = {
      kind: isAddress ? 'address' : 'network',
      text: place,
      href: searchText('/desk/attempts', { q: place, span: '7d', by: isAddress ? undefined : 'address' }),
    }
    const sessions = inTheVpn.map(({ id, user, gateway }): Hit => {
      const href = searchText('/desk/timeline', { session: id })
      return { kind: 'session', text: [user, gateway].join(' · '), href }
    })
    if (sessions.length === 0) return [hit]
    const [event] = await records.audit.list({ address: place, limit: 1 })
    return event === undefined ? sessions : [hit, ...sessions]
  }

  async function findRecord(id: string, records: PartialRecords): Promise<readonly Hit[]> {
    const [lockout, session, [event]] = await Promise.all([
      records.lockouts.find(id),
      records.sessions.find(id),
      records.audit.list({ attempt: id, limit: 1 }),
    ])
    const hits: Hit[] = []
    if (lockout !== undefined) {
      const who = lockout.name ?? lockout.user ?? lockout.address ?? ''
      hits.push({ kind: 'lockout', text: who, href: `/desk/lockouts/${id}` })
    }
    if (session !== undefined)
      hits.push({ kind: 'session', text: session.user, href: searchText('/desk/timeline', { session: id }) })
    if (event !== undefined)
      hits.push({
        kind: 'event',
        text: event.name ?? event.user ?? id,
        href: searchText('/desk/audit', { attempt: id }),
      })
    return hits
  }
}

function userHit(name: string): Hit {
  return { kind: 'user', text: name, href: personPath(name) }
}
