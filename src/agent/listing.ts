import { canonicalAddress } from '../domain/network.ts'
import { type Loose, type LooseObject, parseLoosely } from './lenient-json.ts'

/** A session as occtl lists it, with a tunnel or as a cookie that may come back. */
export interface ListedSession {
  /** The Acct-Session-Id; occtl's "Full session". */
  readonly acctSession: string
  /** With the octets beyond ASCII as `\u00ff` until `withWholeNames` has looked. */
  readonly user: string
  /** Whether `user` is the whole name; otherwise it stands for many. */
  readonly isNameKnown: boolean
  readonly group?: string
  /** The client's own address, in its canonical spelling. */
  readonly address?: string
  readonly client?: string
}

export interface Tunnel extends ListedSession {
  /** occtl's "ID": digits, and at most ten of them. */
  readonly id: string
  readonly ipv4?: string
  readonly ipv6?: string
  /** Wall milliseconds, exact to the minute. */
  readonly connectedAt?: number
  readonly octetsIn: number
  readonly octetsOut: number
}

export interface Ban {
  readonly address: string
  readonly score: number
}

const ID = /^[1-9][0-9]{0,9}$/
/** What occtl writes for each octet beyond ASCII. */
export const BLURRED = '\u00ff'
/** So many characters of "Full session" name a session in occtl's table of cookies. */
export const SHORT_SESSION = 6
const BEYOND_ASCII = /[^\0-\x7f]/
const NONE = '(none)'

/** @param text of `occtl -j show users`. @throws Error */
export function tunnelsIn(text: string): readonly Tunnel[] {
  return objectsIn(text).flatMap((entry) => {
    const id = textOf(entry, 'ID')
    const session = sessionOf(entry)
    if (id === undefined || !ID.test(id) || session === undefined) return []
    return [
      {
        ...session,
        id,
        ipv4: addressOf(entry, 'IPv4'),
        ipv6: addressOf(entry, 'IPv6'),
        connectedAt: momentOf(entry),
        octetsIn: countOf(entry, 'RX'),
        octetsOut: countOf(entry, 'TX'),
      },
    ]
  })
}

/** @param text of `occtl -j show sessions valid`. @throws Error */
export function cookiesIn(text: string): readonly ListedSession[] {
  return objectsIn(text).flatMap((entry) => sessionOf(entry) ?? [])
}

/** @param text of `occtl -j show ip bans`. @throws Error */
export function bansIn(text: string): readonly Ban[] {
  return objectsIn(text).flatMap((entry) => {
    const address = addressOf(entry, 'IP')
    return address === undefined ? [] : [{ address, score: countOf(entry, 'Score') }]
  })
}

/** A client that has not logged in yet has no name. */
function sessionOf(entry: LooseObject): ListedSession | undefined {
  const acctSession = textOf(entry, 'Full session')
  const user = textOf(entry, 'Username')
  if (acctSession === undefined || user === undefined) return undefined
  return {
    acctSession,
    user,
    isNameKnown: !BEYOND_ASCII.test(user),
    group: textOf(entry, 'Groupname'),
    address: addressOf(entry, 'Remote IP'),
    client: textOf(entry, 'User-Agent'),
  }
}

function objectsIn(text: string): readonly LooseObject[] {
  const list = parseLoosely(text)
  if (!Array.isArray(list)) throw new Error('occtl printed no list')
  return list.filter((each): each is LooseObject => each instanceof Map)
}

function textOf(entry: ReadonlyMap<string, Loose | undefined>, key: string): string | undefined {
  const value = entry.get(key)
  return typeof value === 'string' && value !== '' && value !== NONE ? value : undefined
}

function addressOf(entry: LooseObject, key: string): string | undefined {
  const [address = ''] = (textOf(entry, key) ?? '').split('/')
  return address === '' ? undefined : canonicalAddress(address)
}

function countOf(entry: LooseObject, key: string): number {
  const count = Number(textOf(entry, key) ?? 0)
  return Number.isSafeInteger(count) && count >= 0 ? count : 0
}

/** Newer versions also give seconds; 1.1 gives minutes of local time. */
function momentOf(entry: LooseObject): number | undefined {
  const seconds = countOf(entry, 'raw_connected_at')
  if (seconds > 0) return seconds * 1000
  const [, day, minute] = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d)$/.exec(textOf(entry, 'Connected at') ?? '') ?? []
  const at = day === undefined ? Number.NaN : new Date(`${day}T${minute}:00`).getTime()
  return Number.isNaN(at) ? undefined : at
}
