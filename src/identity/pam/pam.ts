import type { Clock } from '../../domain/clock.ts'
import { holdsOverlooked } from '../../domain/login-name.ts'
import {
  type Account,
  type FirstFactorAnswer,
  type IdentityStore,
  type LookupAnswer,
  Unavailable,
} from '../../domain/person.ts'
import type { Secret } from '../../domain/secret.ts'
import { Turns } from '../turns.ts'
import { askSaslauthd, MAX_STRING, NoReply, type SaslauthdRequest } from './saslauthd.ts'
import { type UnixAccountFiles, UnixAccounts } from './unix-accounts.ts'

export interface PamIdentityOptions {
  /** As the configuration calls this store. */
  readonly name: string
  readonly clock: Clock
  /** saslauthd's socket; Debian's is `/run/saslauthd/mux`. saslauthd must run with `-a pam`. */
  readonly socket?: string
  /** PAM's service, a file in /etc/pam.d. */
  readonly service?: string
  /** Passed on to saslauthd, which ignores it unless it was started with `-r`. */
  readonly realm?: string
  /** Questions asked at the same time: the number of saslauthd's processes (`-n`), 5 unless it is told another. */
  readonly parallel?: number
  /** Logins that may wait for one of them. */
  readonly waiting?: number
  /** Where groups are read from; absent: users of this store have no groups. */
  readonly accounts?: UnixAccountFiles
  /**
   * PAM cannot say that it does not know a user: it says no, which ends a login. With `when_absent_from_passwd` a
   * name that the account files lack is not asked for at all, and the next identity store may know it.
   */
  readonly unknown?: 'never' | 'when_absent_from_passwd'
}

const REFUSED_ACCOUNT = 'PAM acct error'
/** These say that the question was not put, not what its answer is. */
const NOT_ASKED: ReadonlySet<string> = new Set(['PAM start error', 'internal mechanism failure', ''])
const NOBODY: SaslauthdRequest = { login: '', password: Buffer.alloc(0), service: '', realm: '' }

/** The system's accounts, by PAM, which saslauthd speaks for us: it has the rights for it, and may hang without harm. */
export function pamIdentity(options: PamIdentityOptions): IdentityStore {
  const { name, clock, socket = '/run/saslauthd/mux', service = 'ocbroker', realm = '' } = options
  const what = `identity ${name}`
  const turns = new Turns({ what, parallel: options.parallel ?? 5, waiting: options.waiting ?? 100 })
  const accounts = options.accounts === undefined ? undefined : new UnixAccounts(options.accounts)

  async function ask(request: SaslauthdRequest, deadline: number): Promise<string> {
    const left = () => Math.max(0, deadline - clock.monotonic())
    return turns.take(async () => {
      try {
        return await askSaslauthd(socket, request, left())
      } catch (error) {
        throw new Unavailable(
          what,
          `saslauthd at ${socket}: ${error instanceof Error ? error.message : error}`,
          { cause: error, passwordSent: error instanceof NoReply && error.sent },
        )
      }
    }, left())
  }

  async function accountOf(user: string): Promise<Account | undefined> {
    try {
      const groups = await accounts?.groupsOf(user)
      return groups === undefined ? undefined : { groups, attributes: {} }
    } catch (error) {
      throw new Unavailable(what, error instanceof Error ? error.message : String(error), { cause: error })
    }
  }

  async function authenticate(user: string, password: Secret, deadline: number): Promise<FirstFactorAnswer> {
    if (holdsOverlooked(user)) return { kind: 'unknown' }
    const account = await accountOf(user)
    if (account === undefined && options.unknown === 'when_absent_from_passwd') return { kind: 'unknown' }
    const request = { login: user, password: password.bytes(), service, realm }
    const fault = unspeakable(request)
    if (fault !== undefined) return { kind: 'wrong', detail: fault }
    return answerTo(await ask(request, deadline), account ?? { groups: [], attributes: {} }, what)
  }

  /** Without a password only the account files can be asked. */
  async function lookup(user: string): Promise<LookupAnswer> {
    const account = await accountOf(user)
    return account === undefined ? { kind: 'unknown' } : { kind: 'right', account }
  }

  /** saslauthd refuses an empty login by itself, without PAM: that it does so shows that it works. */
  async function checkReady(deadline: number): Promise<void> {
    await ask(NOBODY, deadline)
    await accountOf('')
  }

  return { name, authenticate, lookup, checkReady }
}

/**
 * @returns why the question cannot be put. What comes behind a NUL is not read by a C program, so that `right` and
 * `right\0anything` would be one password; an empty one passes where PAM was told `nullok`.
 */
function unspeakable({ login, password }: SaslauthdRequest): string | undefined {
  if (password.length === 0) return 'an empty password'
  if (login.includes('\0') || password.includes(0)) return 'a NUL in the name or the password'
  if (Buffer.byteLength(login) > MAX_STRING || password.length > MAX_STRING) {
    return `a name or password of over ${MAX_STRING} octets`
  }
  return undefined
}

function answerTo(reply: string, account: Account, what: string): FirstFactorAnswer {
  if (reply.startsWith('OK')) return { kind: 'right', account }
  const reason = reply.slice('NO '.length)
  if (reason === REFUSED_ACCOUNT) {
    return {
      kind: 'barred',
      detail: 'PAM refuses the account: expired, locked, or its password must be changed',
    }
  }
  if (NOT_ASKED.has(reason)) throw new Unavailable(what, `saslauthd could not ask PAM: ${reason}`)
  return { kind: 'wrong', detail: reason }
}
