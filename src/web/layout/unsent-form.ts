import type { Request, Response } from 'express'
import type { Clock } from '../../domain/clock.ts'
import { CannotOpen, type KeyRing } from '../../domain/key-ring.ts'
import { Secret } from '../../domain/secret.ts'
import { basePathOf } from '../../http/base-path.ts'
import { lastReaderOf, readerOf } from '../../http/browser-session.ts'
import { fields } from './forms.ts'

/** A form whose sender was no longer signed in when it came. */
export interface UnsentForm {
  /** Where it was sent to. */
  readonly path: string
  readonly values: readonly (readonly [name: string, value: string])[]
}

interface Kept extends UnsentForm {
  /** Wall milliseconds. */
  readonly at: number
}

interface UnsentFormOptions {
  readonly clock: Clock
  readonly formKeys: KeyRing
}

const COOKIE = 'ocbroker-unsent'
const KEPT = new RegExp(`(?:^|;)\\s*${COOKIE}=([A-Za-z0-9._-]+)\\s*(?:;|$)`)
const KEPT_FOR_MS = 15 * 60_000
/** Browsers keep 4096 octets of a cookie; sealed and written in base64url a text grows by a third. */
const MAX_OCTETS = 2500
/** None of the forms that are kept has such a field. */
const SECRET = /pass|code|secret|token|key|csrf/i

/**
 * Keeps what was typed in the browser, sealed for the one who was signed in there. A long form is not kept.
 * @returns whether it was.
 */
export function keepUnsent(
  request: Request,
  response: Response,
  { clock, formKeys }: UnsentFormOptions,
): boolean {
  const reader = lastReaderOf(request)
  if (reader === undefined) return false
  const names = Object.keys((request.body ?? {}) as object).filter((name) => !SECRET.test(name))
  const values = names.flatMap((name) => fields(request, name).map((value) => [name, value] as const))
  const text = JSON.stringify({ path: request.path, values, at: clock.now() } satisfies Kept)
  if (Buffer.byteLength(text) > MAX_OCTETS) return false
  response.cookie(COOKIE, formKeys.seal(new Secret(text), ownerOf(reader)), {
    ...flagsOf(request),
    maxAge: KEPT_FOR_MS,
  })
  return true
}

/** Whether this browser has kept a form; whose it is shows when it is taken. */
export function hasUnsent(request: Request): boolean {
  return KEPT.test(request.headers.cookie ?? '')
}

/** What the browser has kept, this once; undefined where there is nothing for this user. */
export function takeUnsent(
  request: Request,
  response: Response,
  user: string,
  { clock, formKeys }: UnsentFormOptions,
): UnsentForm | undefined {
  const [, sealed] = KEPT.exec(request.headers.cookie ?? '') ?? []
  if (sealed === undefined) return undefined
  response.clearCookie(COOKIE, flagsOf(request))
  try {
    const kept = JSON.parse(formKeys.open(sealed, ownerOf(readerOf(user))).reveal()) as Kept
    return clock.now() - kept.at > KEPT_FOR_MS ? undefined : kept
  } catch (error) {
    if (error instanceof CannotOpen) return undefined
    throw error
  }
}

/** What seals the form of one user does not open as that of another. */
function ownerOf(reader: string): string {
  return `unsent form of ${reader}`
}

function flagsOf(request: Request) {
  const { secure } = request
  return { httpOnly: true, sameSite: 'lax', secure, path: basePathOf(request) || '/' } as const
}
