import { createHash, timingSafeEqual } from 'node:crypto'
import type { Request, RequestHandler, Response } from 'express'
import type { Clock } from '../domain/clock.ts'
import type { Randomness } from '../domain/random.ts'
import type { WebSession, WebSessionStore } from '../domain/web-session.ts'

export interface VisitOptions {
  readonly sessions: WebSessionStore
  readonly clock: Clock
  readonly random: Randomness
}

/** A browser's visit: what its cookie stands for, and what pages may do with that. */
export interface Visit {
  /** Absent: nobody has signed in. */
  readonly session: WebSession | undefined
  /** What every form carries in its field `csrf`, and every script in the header X-CSRF-Token. Gives a cookie where there is none. */
  csrf(): string
  /** Whether the text is what `csrf` gave this browser. */
  isOurs(csrf: string): boolean
  /**
   * Signs in or steps up, always under a new cookie; what the old one stood for has ended.
   * @returns false, with nobody signed in, where another request or the time has ended it in between.
   */
  begin(session: WebSession): Promise<boolean>
  /** Changes what is kept without changing whom it stands for. @returns false where the session has ended. */
  change(session: WebSession): Promise<boolean>
  /** Whether the session has not ended since the request came in. */
  isStillOpen(): Promise<boolean>
  /** Signs out. */
  end(): Promise<void>
}

const OCTETS = 32
const FORM = /^[A-Za-z0-9_-]{43}$/
/** How old the note of the last use may grow, in milliseconds. */
const TOUCH_AFTER_MS = 30_000
/** Without TLS a browser takes no such cookie, and `__Host-` would be a false promise. */
const NAME = { secure: '__Host-ocbroker', plain: 'ocbroker' } as const

const visits = new WeakMap<Request, Visit>()

/** The visit that a request belongs to. @throws Error where the middleware of this file was not asked. */
export function visitOf(request: Request): Visit {
  const visit = visits.get(request)
  if (visit === undefined) throw new Error('the request has no visit')
  return visit
}

/** The same where the request may have been refused before anybody asked whose it is. */
export function findVisit(request: Request): Visit | undefined {
  return visits.get(request)
}

/**
 * Finds out whose browser it is. The cookie holds 256 random bits, the store only their digest; the cookie says nothing
 * else, and no page ever takes over one that a browser brings without a session behind it.
 */
export function visiting({ sessions, clock, random }: VisitOptions): RequestHandler {
  return async (request, response, next) => {
    const brought = cookieOf(request)
    const session = brought === undefined ? undefined : await sessions.get(idOf(brought))
    const isOld = session !== undefined && clock.now() - session.seenAt > TOUCH_AFTER_MS
    if (brought !== undefined && isOld && !isUnattended(request)) await sessions.touch(idOf(brought), session)
    visits.set(request, open(request, response, { secret: brought, session }))
    next()
  }

  function open(
    request: Request,
    response: Response,
    now: { secret: string | undefined; session: WebSession | undefined },
  ): Visit {
    const renew = (): string => {
      now.secret = random.bytes(OCTETS).toString('base64url')
      setCookie(request, response, now.secret)
      return now.secret
    }
    return {
      get session() {
        return now.session
      },
      csrf: () => csrfOf(now.secret ?? renew()),
      isOurs: (csrf) => now.secret !== undefined && isSame(csrf, csrfOf(now.secret)),
      async begin(session) {
        const before = now.session === undefined || now.secret === undefined ? undefined : idOf(now.secret)
        const after = idOf(renew())
        const begun = before === undefined || (await sessions.rotate(before, after, session))
        if (before === undefined) await sessions.put(after, session)
        now.session = begun ? session : undefined
        return begun
      },
      async change(session) {
        if (now.session === undefined || now.secret === undefined) return false
        const changed = await sessions.change(idOf(now.secret), session)
        now.session = changed ? session : undefined
        return changed
      },
      isStillOpen: async () =>
        now.session !== undefined &&
        now.secret !== undefined &&
        (await sessions.get(idOf(now.secret))) !== undefined,
      async end() {
        if (now.session !== undefined && now.secret !== undefined) await sessions.delete(idOf(now.secret))
        now.session = undefined
        renew()
      },
    }
  }
}

/** A page that keeps itself up to date says so, and keeps no session alive at which nobody sits. */
function isUnattended(request: Request): boolean {
  return request.get('x-unattended') !== undefined || request.get('accept') === 'text/event-stream'
}

function cookieOf(request: Request): string | undefined {
  const name = nameFor(request)
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const equals = pair.indexOf('=')
    if (equals < 0 || pair.slice(0, equals).trim() !== name) continue
    const value = pair.slice(equals + 1).trim()
    return FORM.test(value) ? value : undefined
  }
  return undefined
}

function setCookie(request: Request, response: Response, secret: string): void {
  // Lax: a link from a mail to a page finds the browser signed in; every write is guarded by more than the cookie.
  const flags = { httpOnly: true, sameSite: 'lax', secure: request.secure, path: '/' } as const
  response.cookie(nameFor(request), secret, flags)
}

function nameFor(request: Request): string {
  return request.secure ? NAME.secure : NAME.plain
}

function idOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

/** Follows from the cookie, which scripts cannot read and other sites cannot set, so nothing is kept for it. */
function csrfOf(secret: string): string {
  return createHash('sha256').update(`ocbroker csrf\0${secret}`).digest('base64url')
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}
