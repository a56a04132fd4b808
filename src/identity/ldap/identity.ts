import { holdsOverlooked } from '../../domain/login-name.ts'
import {
  type Account,
  type Barred,
  type BegunLogin,
  type FirstFactorAnswer,
  type IdentityStore,
  type LookupAnswer,
  Unavailable,
} from '../../domain/person.ts'
import type { Secret } from '../../domain/secret.ts'
import type { FoundUser, Outcome, Question } from './calls.ts'
import { Crew } from './crew.ts'
import { directorySettings } from './directory-settings.ts'
import { comparableDn } from './distinguished-name.ts'
import { LockoutShield, type Sent } from './lockout-shield.ts'
import type { LdapOptions } from './options.ts'
import { UsualDelay } from './usual-delay.ts'

const WINDOW_MS = 30 * 60_000
const REPEAT_MS = 5 * 60_000
const WHOLE_MS = 4_000

/**
 * Users of an LDAP directory or Active Directory. No octet of a directory is read in this thread.
 * @throws Error that names the option where the options cannot be meant so.
 */
export function ldapIdentity(options: LdapOptions): IdentityStore & { close(): Promise<void> } {
  const settings = directorySettings(options)
  const { clock, log, pools = {}, deadlines = {} } = options
  const crew = new Crew({
    entry: new URL('./worker.ts', import.meta.url),
    settings,
    threads: pools.threads ?? 2,
    mostJobs: pools.logins ?? 1024,
    clock,
    log,
  })
  const shield = shieldOf(options)
  const refusedBinds = new UsualDelay()
  const what = `identity ${options.name}`

  for (const { url, target } of settings.servers)
    if (target.tls === 'none') log.warn('ldap.clear_text', { identity: options.name, server: url })

  async function ask(
    question: Question,
    deadline: number,
  ): Promise<Exclude<Outcome, { kind: 'unavailable' }>> {
    return answered(await crew.ask(question, deadline))
  }

  function answered(outcome: Outcome): Exclude<Outcome, { kind: 'unavailable' }> {
    if (outcome.kind === 'unavailable') throw unanswered(outcome)
    return outcome
  }

  function within(deadline: number): number {
    return Math.min(deadline, clock.monotonic() + (deadlines.wholeMs ?? WHOLE_MS))
  }

  function unanswered({ cause, sent }: Extract<Outcome, { kind: 'unavailable' }>): Unavailable {
    return new Unavailable(what, cause, { passwordSent: sent })
  }

  async function authenticate(name: string, password: Secret, deadline: number): Promise<FirstFactorAnswer> {
    // It would be an anonymous bind, which succeeds (RFC 4513 §5.1.2).
    if (password.isEmpty) return { kind: 'wrong', detail: 'empty password' }
    if (name === '' || holdsOverlooked(name)) return { kind: 'unknown' }
    const until = within(deadline)
    return shield === undefined
      ? answerOf(await ask(['login', name, password.reveal()], until))
      : authenticateShielded(shield, name, password, until)
  }

  /** The search goes ahead. A shield wants to know the entry before the password goes on, and a template needs no search. */
  function begin(name: string, deadline: number): BegunLogin | undefined {
    if (shield !== undefined || settings.users.bindTemplate !== undefined) return undefined
    if (name === '' || holdsOverlooked(name)) return undefined
    const begun = crew.begin(name, within(deadline))
    return {
      async finish(password) {
        if (password.isEmpty) return { kind: 'wrong', detail: 'empty password' }
        return answerOf(answered(await begun.finish(password.reveal())))
      },
      [Symbol.dispose]: () => begun.drop(),
    }
  }

  async function authenticateShielded(
    guard: LockoutShield,
    name: string,
    password: Secret,
    deadline: number,
  ): Promise<FirstFactorAnswer> {
    const factsAt = clock.monotonic()
    // A name that is made by a template has no entry before its bind.
    const found = settings.users.bindTemplate === undefined ? await ask(['find', name], deadline) : undefined
    if (found !== undefined && found.kind !== 'found') return answerOf(found)
    const user = found?.user
    const question: Question =
      user === undefined ? ['login', name, password.reveal()] : ['prove', user, password.reveal()]
    const shielded = await guard.ask(
      {
        entry: user === undefined ? name : (comparableDn(user.dn) ?? user.dn.toLowerCase()),
        password,
        facts: user?.facts ?? {},
        factsAt,
        deadline,
      },
      async () => {
        const askedAt = clock.monotonic()
        const outcome = await crew.ask(question, deadline)
        if (outcome.kind === 'wrong') refusedBinds.note(clock.monotonic() - askedAt)
        return sent(outcome)
      },
    )
    if (shielded.kind === 'too_late') throw new Unavailable(what, 'too many logins of one user at once')
    if (shielded.kind === 'spared') {
      // An answer for which the directory is not asked must not be told by its speed.
      await refusedBinds.pass()
      return { kind: shielded.as, detail: shielded.detail }
    }
    const outcome = shielded.value
    if (outcome.kind === 'unavailable') throw unanswered(outcome)
    return user === undefined ? answerOf(outcome) : withAccount(answerOf(outcome), user)
  }

  function withAccount(answer: FirstFactorAnswer, { account, facts }: FoundUser): FirstFactorAnswer {
    if (answer.kind !== 'right') return answer
    if (facts.barred !== undefined) return discreet(facts.barred)
    const groups = [...new Set([...account.groups, ...answer.account.groups])]
    return { kind: 'right', account: sendable({ ...account, groups }) }
  }

  function answerOf(outcome: Exclude<Outcome, { kind: 'unavailable' }>): FirstFactorAnswer {
    if (outcome.kind === 'right') return { kind: 'right', account: sendable(outcome.account) }
    if (outcome.kind === 'found' || outcome.kind === 'ready') throw new Error(`${outcome.kind} is no answer`)
    return outcome.kind === 'barred' ? discreet(outcome) : outcome
  }

  function discreet({ tell, ...barred }: Barred): Barred {
    return tell !== undefined && options.ad?.tellState === true ? { ...barred, tell } : barred
  }

  /** Without reply attributes that no reply could carry. */
  function sendable(account: Account): Account {
    const { attributes: reply, ...attributes } = account.attributes
    const { replyFault } = options
    if (reply === undefined || replyFault === undefined) return account
    const kept = Object.entries(reply).filter(([name, value]) => {
      const fault = replyFault(name, value)
      if (fault !== undefined)
        log.warn('ldap.reply_attribute_unusable', { identity: options.name, name, fault })
      return fault === undefined
    })
    return {
      ...account,
      attributes: { ...attributes, ...(kept.length > 0 && { attributes: Object.fromEntries(kept) }) },
    }
  }

  async function lookup(name: string, deadline: number): Promise<LookupAnswer> {
    if (name === '' || holdsOverlooked(name)) return { kind: 'unknown' }
    const answer = answerOf(await ask(['lookup', name], within(deadline)))
    // More than one entry: nobody is known to be meant.
    if (answer.kind === 'wrong') return { kind: 'barred', detail: answer.detail }
    if (answer.kind === 'challenged') throw new Error('a directory asks nothing')
    // Nobody has shown a password.
    return answer.kind === 'barred' ? { kind: 'barred', detail: answer.detail } : answer
  }

  return {
    name: options.name,
    authenticate,
    begin,
    lookup,
    checkReady: async (deadline) => {
      await ask(['check'], deadline)
    },
    close: () => crew.close(),
  }
}

function shieldOf({ shield, ad, clock, random }: LdapOptions): LockoutShield | undefined {
  if (shield === undefined && ad === undefined) return undefined
  const { threshold, windowMs = WINDOW_MS, lockedMs, repeatMs = REPEAT_MS } = shield ?? {}
  return new LockoutShield({
    windowMs,
    repeatMs,
    clock,
    random,
    ...(threshold !== undefined && { threshold }),
    ...(lockedMs !== undefined && { lockedMs }),
  })
}

function sent(outcome: Outcome): Sent<Outcome> {
  if (outcome.kind === 'right' || outcome.kind === 'wrong') return { kind: outcome.kind, value: outcome }
  return { kind: outcome.kind === 'unavailable' && outcome.sent ? 'lost' : 'other', value: outcome }
}
