import type { Clock } from '../../domain/clock.ts'
import { messageOf, Unavailable } from '../../domain/errors.ts'
import type {
  FirstFactorAnswer,
  FirstFactorContext,
  IdentityProvider,
  LookupAnswer,
} from '../../domain/identity-provider.ts'
import { hasIgnorableCharacters } from '../../domain/login-name.ts'
import { customerNetwork } from '../../domain/network.ts'
import type { Account } from '../../domain/person.ts'
import type { Secret } from '../../domain/secret.ts'
import { ConcurrencyLimit, type Wait } from '../../pacing/concurrency-limit.ts'
import { throwUnavailable } from '../shed-error.ts'
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
  /** Requests at the same time: the number of saslauthd's processes (`-n`; 5 by default). */
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
/** Replies that say that PAM was not asked. */
const NOT_ASKED: ReadonlySet<string> = new Set(['PAM start error', 'internal mechanism failure', ''])
const EMPTY_REQUEST: SaslauthdRequest = { login: '', password: Buffer.alloc(0), service: '', realm: '' }

/** The system's accounts, by PAM through saslauthd, which has the rights for it and may hang without harm to the broker. */
export function pamIdentity(options: PamIdentityOptions): IdentityProvider {
  const {
    name,
    clock,
    socket = '/run/saslauthd/mux',
    service = 'ocbroker',
    realm = '',
    waiting = 100,
  } = options
  const what = `identity ${name}`
  const { parallel = 5 } = options
  // PAM takes seconds to refuse, and one address must not keep all of saslauthd's processes busy with that.
  const ofOne = Math.ceil(parallel / 4)
  const limit = new ConcurrencyLimit({ parallel, waiting, ofOne, clock })
  const shed = throwUnavailable(what, waiting)
  const accounts = options.accounts === undefined ? undefined : new UnixAccounts(options.accounts)

  async function ask(request: SaslauthdRequest, deadline: number, wait: Wait = {}): Promise<string> {
    const left = () => Math.max(0, deadline - clock.monotonic())
    return limit.run(
      async () => {
        try {
          return await askSaslauthd(socket, request, left())
        } catch (error) {
          throw new Unavailable(what, `saslauthd at ${socket}: ${messageOf(error)}`, {
            cause: error,
            passwordSent: error instanceof NoReply && error.sent,
          })
        }
      },
      shed,
      { ...wait, patienceMs: left() },
    )
  }

  async function accountOf(user: string): Promise<Account | undefined> {
    try {
      const groups = await accounts?.groupsOf(user)
      return groups === undefined ? undefined : { groups, attributes: {} }
    } catch (error) {
      throw new Unavailable(what, messageOf(error), { cause: error })
    }
  }

  async function authenticate(
    user: string,
    password: Secret,
    deadline: number,
    context?: FirstFactorContext,
  ): Promise<FirstFactorAnswer> {
    if (hasIgnorableCharacters(user)) return { kind: 'unknown' }
    const account = await accountOf(user)
    if (account === undefined && options.unknown === 'when_absent_from_passwd') return { kind: 'unknown' }
    const request = { login: user, password: password.bytes(), service, realm }
    const fault = unspeakable(request)
    if (fault !== undefined) return { kind: 'wrong', detail: fault }
    return answerTo(
      await ask(request, deadline, await waitOf(context)),
      account ?? { groups: [], attributes: {} },
      what,
    )
  }

  /** Strangers wait for others of their network, and known addresses for nobody else. */
  async function waitOf({ address, isAtKnownAddress }: FirstFactorContext = {}): Promise<Wait> {
    const client = address === undefined ? undefined : customerNetwork(address)
    const isMet = !limit.isFull && limit.hasShare(client)
    return !isMet && (await isAtKnownAddress?.()) ? { goesFirst: true } : { client }
  }

  /** Without a password only the account files can be asked. */
  async function lookup(user: string): Promise<LookupAnswer> {
    const account = await accountOf(user)
    return account === undefined ? { kind: 'unknown' } : { kind: 'right', account }
  }

  /** saslauthd refuses an empty login by itself, without PAM: that answer shows that it works. */
  async function checkReady(deadline: number): Promise<void> {
    await ask(EMPTY_REQUEST, deadline)
    await accountOf('')
  }

  return {
    name,
    ...(options.unknown !== 'when_absent_from_passwd' && { mayMissUsers: true as const }),
    needsPassword: true,
    authenticate,
    lookup,
    checkReady,
  }
}

/**
 * @returns why the request cannot be sent. A C program reads nothing after a NUL, so `right` and `right\0anything` would
 * be the same password; an empty password passes if PAM is configured with `nullok`.
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
