import { createHash, timingSafeEqual } from 'node:crypto'
import type { Request, RequestHandler, Response } from 'express'
import type { Runtime } from '../domain/runtime.ts'
import type { SessionUse, WebSession, WebSessionLimits, WebSessionStore } from '../domain/web-session.ts'
import { basePathOf } from './base-path.ts'

export interface BrowserSessionOptions extends Pick<Runtime, 'clock' | 'random'> {
  readonly sessions: WebSessionStore
  readonly limits: Pick<WebSessionLimits, 'idleMs' | 'absoluteMs'>
}

/** Why a browser that was signed in is no longer: `idle` and `absolute` by its limits, `ended` by anything else. */
type SessionEnding =
  | { readonly kind: 'idle' | 'absolute'; readonly afterMs: number }
  | { readonly kind: 'code' | 'ended' }

/** The browser that a request comes from: the session of its cookie, and what pages may do with it. */
export interface BrowserSession {
  /** Absent: nobody has signed in. */
  readonly session: WebSession | undefined
  /**
   * What every form carries in its field `csrf`, and scripts in the header X-CSRF-Token: another text each time, so that
   * no answer's length tells of it (BREACH). Sets a cookie if there is none.
   */
  csrf(): string
  /** Whether the text is one that `csrf` gave this browser. */
  isOurs(csrf: string): boolean
  /** What tells the browser from others, for as long as its cookie stays. On no page. Sets a cookie if there is none. */
  mark(): string
  /**
   * Signs in or steps up, always under a new cookie; the session of the old one ends.
   * @returns false, with nobody signed in, where another request or time has ended the session meanwhile.
   */
  begin(session: WebSession): Promise<boolean>
  /** Changes the session's data, but not its user. @returns false where the session has ended. */
  change(session: WebSession): Promise<boolean>
  /** The session as it is now, with the present groups; undefined where it has ended since the request arrived. */
  present(): Promise<WebSession | undefined>
  /** Signs out. */
  end(): Promise<void>
  /** Why a session of this browser ended without a sign-out; told once. */
  takeEnding(): SessionEnding | undefined
}

const SECRET_OCTETS = 32
/** Characters of base64url: 132 bits. */
const READER_LENGTH = 22
const CSRF_OCTETS = 32
/** The last use of a session is noted at most this often, in milliseconds. */
const TOUCH_AFTER_MS = 30_000
const READING: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])
/** A session can be ended, or replaced by a new sign-in, while it may only be read. */
const LEAVING: ReadonlySet<string> = new Set(['/sign-in', '/sign-out', '/sign-out-everywhere'])
const NAME = 'ocbroker'

/** @throws Error where `withBrowserSession` does not stand before the handler. */
export function browserSessionOf(request: Request): BrowserSession {
  const browser = findBrowserSession(request)
  if (browser === undefined) throw new Error('the request has no browser session')
  return browser
}

/** The same for requests that may have been refused before their session was looked up. */
export function findBrowserSession({ res }: Request): BrowserSession | undefined {
  return res?.locals.browserSession
}

/**
 * Looks up the session of the cookie. The cookie holds 256 random bits, the store only their digest. A cookie that a
 * browser sends without a session behind it is never adopted.
 */
export function withBrowserSession({
  sessions,
  limits,
  clock,
  random,
}: BrowserSessionOptions): RequestHandler {
  return async (request, response, next) => {
    const secret = cookieOf(request)
    const session = secret === undefined ? undefined : await sessions.get(idOf(secret), useOf(request))
    const isOld = session !== undefined && clock.now() - session.seenAt > TOUCH_AFTER_MS
    if (secret !== undefined && isOld && !isUnattended(request)) {
      await sessions.touch(idOf(secret), session)
      noteSeen(request, response, { ...session, seenAt: clock.now() })
    }
    response.locals.browserSession = open(request, response, { secret, session })
    next()
  }

  function open(
    request: Request,
    response: Response,
    now: { secret: string | undefined; session: WebSession | undefined },
  ): BrowserSession {
    const renew = (): string => {
      now.secret = random.bytes(SECRET_OCTETS).toString('base64url')
      setCookie(request, response, now.secret)
      return now.secret
    }
    return {
      get session() {
        return now.session
      },
      csrf: () => masked(csrfOf(now.secret ?? renew()), random.bytes(CSRF_OCTETS)),
      isOurs: (csrf) => now.secret !== undefined && isMaskOf(csrf, csrfOf(now.secret)),
      mark: () => markOf(now.secret ?? renew()),
      async begin(session) {
        const before = now.session === undefined || now.secret === undefined ? undefined : idOf(now.secret)
        const after = idOf(renew())
        const hasBegun = before === undefined || (await sessions.rotate(before, after, session))
        if (before === undefined) await sessions.put(after, session)
        now.session = hasBegun ? session : undefined
        if (hasBegun) noteSeen(request, response, { ...session, seenAt: clock.now() })
        return hasBegun
      },
      async change(session) {
        if (now.session === undefined || now.secret === undefined) return false
        const changed = await sessions.change(idOf(now.secret), session)
        now.session = changed ? session : undefined
        return changed
      },
      present: async () =>
        now.session === undefined || now.secret === undefined
          ? undefined
          : sessions.get(idOf(now.secret), useOf(request)),
      async end() {
        if (now.session !== undefined && now.secret !== undefined) await sessions.delete(idOf(now.secret))
        now.session = undefined
        renew()
        forgetSeen(request, response)
      },
      takeEnding() {
        const seen = seenIn(request)
        if (now.session !== undefined || seen === undefined) return undefined
        forgetSeen(request, response)
        return endingOf(seen, limits, clock.now())
      },
    }
  }
}

function useOf({ method, path }: Request): SessionUse {
  return READING.has(method) || LEAVING.has(path) ? 'read' : 'write'
}

/** Background polling does not extend the idle timeout. */
function isUnattended(request: Request): boolean {
  return request.get('x-unattended') !== undefined || request.get('accept') === 'text/event-stream'
}

function cookieOf(request: Request): string | undefined {
  const pattern = new RegExp(`(?:^|;)\\s*${nameFor(request)}=([A-Za-z0-9_-]{43})\\s*(?:;|$)`)
  return pattern.exec(request.headers.cookie ?? '')?.[1]
}

function setCookie(request: Request, response: Response, secret: string): void {
  response.cookie(nameFor(request), secret, flagsFor(request))
}

function flagsFor(request: Request) {
  // Lax: a link in a mail finds the browser signed in. Writes need the CSRF token besides the cookie.
  return {
    httpOnly: true,
    sameSite: 'lax',
    secure: request.secure,
    path: basePathOf(request) || '/',
  } as const
}

interface Seen extends Pick<WebSession, 'stage' | 'createdAt' | 'seenAt'> {
  /** Absent in a cookie of an earlier version. */
  readonly reader?: string
}

/**
 * Beside the session's cookie: when the browser signed in and was last seen, so that a page can say why that is over. It
 * gives no right; a browser that makes it up reads another sentence.
 */
function noteSeen(request: Request, response: Response, session: WebSession): void {
  const { stage, createdAt, seenAt, user } = session
  const text = [stage, createdAt, seenAt, readerOf(user)].join('.')
  response.cookie(seenNameFor(request), text, flagsFor(request))
}

/** Stands for a user in a cookie of their own browser. */
export function readerOf(user: string): string {
  return createHash('sha256').update(`ocbroker reader\0${user}`).digest('base64url').slice(0, READER_LENGTH)
}

/** Who was fully signed in at this browser last, as `readerOf` has it; the cookie proves nothing. */
export function lastReaderOf(request: Request): string | undefined {
  const seen = seenIn(request)
  return seen?.stage === 'in' ? seen.reader : undefined
}

function forgetSeen(request: Request, response: Response): void {
  if (seenIn(request) !== undefined) response.clearCookie(seenNameFor(request), flagsFor(request))
}

function seenIn(request: Request): Seen | undefined {
  const pattern = new RegExp(
    `(?:^|;)\\s*${seenNameFor(request)}=(code|enrol|in)\\.(\\d{13})\\.(\\d{13})(?:\\.([\\w-]{${READER_LENGTH}}))?\\s*(?:;|$)`,
  )
  const [, stage, createdAt, seenAt, reader] = pattern.exec(request.headers.cookie ?? '') ?? []
  if (stage === undefined) return undefined
  return { stage: stage as Seen['stage'], createdAt: Number(createdAt), seenAt: Number(seenAt), reader }
}

function endingOf(
  { stage, createdAt, seenAt }: Seen,
  { idleMs, absoluteMs }: BrowserSessionOptions['limits'],
  now: number,
): SessionEnding {
  if (stage === 'code') return { kind: 'code' }
  if (now - createdAt >= absoluteMs) return { kind: 'absolute', afterMs: absoluteMs }
  if (now - seenAt >= idleMs) return { kind: 'idle', afterMs: idleMs }
  return { kind: 'ended' }
}

function seenNameFor(request: Request): string {
  return `${nameFor(request)}-seen`
}

/** Browsers accept the prefixes only with TLS, and `__Host-` only for a whole host. */
function nameFor(request: Request): string {
  if (!request.secure) return NAME
  return `${basePathOf(request) === '' ? '__Host' : '__Secure'}-${NAME}`
}

function idOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

/** Derived from the cookie, which scripts cannot read and other sites cannot set, so that nothing has to be stored. */
function csrfOf(secret: string): Buffer {
  return createHash('sha256').update(`ocbroker csrf\0${secret}`).digest()
}

function markOf(secret: string): string {
  return createHash('sha256').update(`ocbroker browser\0${secret}`).digest('base64url')
}

/** @param pad used once. */
function masked(token: Buffer, pad: Buffer): string {
  return Buffer.concat([pad, combined(token, pad)]).toString('base64url')
}

function isMaskOf(text: string, token: Buffer): boolean {
  const octets = Buffer.from(text, 'base64url')
  if (octets.length !== 2 * CSRF_OCTETS) return false
  return timingSafeEqual(combined(octets.subarray(0, CSRF_OCTETS), octets.subarray(CSRF_OCTETS)), token)
}

function combined(one: Buffer, other: Buffer): Buffer {
  return Buffer.from(one.map((octet, at) => octet ^ (other[at] ?? 0)))
}
