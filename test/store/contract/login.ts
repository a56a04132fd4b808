import { describe, expect, test } from 'vitest'
import type { Admission, Withdrawal } from '../../../src/domain/login-records.ts'
import type { Repositories } from '../../../src/store/repositories.ts'
import {
  accounting,
  admission,
  enrolmentOf,
  failureOf,
  HOUR,
  id,
  MINUTE,
  NOON,
  passkeyOf,
  unique,
  uniqueAddress,
} from '../samples.ts'

const AT_ONCE = 500

function withdrawalOf({ session, event }: Admission): Withdrawal {
  const refused = { ...event, kind: 'login.unavailable' } as const
  const withdrawn = { ...event, id: id(), at: NOON + HOUR, kind: 'login.withdrawn' } as const
  return { session: session?.id, refused, withdrawn }
}

export function loginContract(records: () => Repositories): void {
  const enrolled = async (recoveryHashes: readonly string[] = []) => {
    const user = unique('user')
    const enrolment = enrolmentOf(user)
    await records().enrolments.replace({ enrolment, recoveryHashes })
    return { user, enrolment }
  }

  describe('logins', () => {
    test('is let in by each of several authenticators, and by each code once', async () => {
      const { login, enrolments } = records()
      const { user, enrolment } = await enrolled()
      const second = enrolmentOf(user)
      await enrolments.add({ enrolment: second, recoveryHashes: [] })
      const use = (id: string) => admission(user, { kind: 'totp', enrolment: id, step: 7, driftMs: 0 })
      const answers = await Promise.all(
        [enrolment.id, second.id, enrolment.id, second.id].map((id) => login.admit(use(id))),
      )
      expect(answers.map(({ kind }) => kind).sort()).toEqual([
        'admitted',
        'admitted',
        'code_used',
        'code_used',
      ])
      for (const each of await enrolments.ofSubject(user))
        expect(each).toMatchObject({ lastStep: 7, usedAt: NOON })
    })

    test('is let in once by a code that several seeds may key', async () => {
      const { login } = records()
      const { user } = await enrolled(['second'])
      const code = { kind: 'recovery', subject: user, hashes: ['first', 'second', 'third'] } as const
      expect(await login.admit(admission(user, code))).toEqual({ kind: 'admitted' })
      expect(await login.admit(admission(user, code))).toEqual({ kind: 'code_used' })
    })

    test('see the authenticators of every subject that the name may be, and the locks on user and address', async () => {
      const { login, enrolments } = records()
      const [user, address] = [unique('user'), uniqueAddress()]
      const subjects = [user, `${user}@corp`]
      for (const subject of subjects)
        await enrolments.replace({ enrolment: enrolmentOf(subject), recoveryHashes: [] })
      await login.recordFailure(failureOf(user, { address, lock: ['user_address', 'user', 'address'] }))
      const view = await login.view({ user, subjects: [...subjects, unique('none')], address, now: NOON })
      expect(view.enrolments.map(({ subject }) => subject).sort()).toEqual([...subjects].sort())
      expect(view.locks.map(({ scope }) => scope).sort()).toEqual(['address', 'user', 'user_address'])
      expect(await login.view({ user: unique('other'), subjects: [], now: NOON })).toEqual({
        enrolments: [],
        locks: [],
        knownAddress: false,
      })
    })

    test('are admitted as a whole: step, session and event', async () => {
      const { login, enrolments, sessions, audit } = records()
      const { user, enrolment } = await enrolled()
      const entry = admission(
        user,
        { kind: 'totp', enrolment: enrolment.id, step: 7, driftMs: -61_000 },
        { address: uniqueAddress() },
      )
      expect(await login.admit(entry)).toEqual({ kind: 'admitted' })
      expect((await enrolments.ofSubject(user))[0]).toMatchObject({ lastStep: 7, driftMs: -61_000 })
      expect(await sessions.list({ user, limit: 9 })).toEqual([entry.session])
      expect(await audit.list({ user, limit: 9 })).toEqual([entry.event])
    })

    test('are foreseen: whether a lockout bars them, and nothing is written', async () => {
      const { login, sessions, audit } = records()
      const { user } = await enrolled(['first'])
      const address = uniqueAddress()
      const entry = admission(user, { kind: 'recovery', subject: user, hashes: ['first'] }, { address })
      expect(await login.foresee(entry)).toEqual({ kind: 'admitted' })
      expect(await sessions.list({ user, limit: 9 })).toEqual([])
      expect(await audit.list({ user, limit: 9 })).toEqual([])
      expect(await login.admit(entry), 'the code is not spent').toEqual({ kind: 'admitted' })
      await login.recordFailure(failureOf(user, { address, lock: ['user_address'] }))
      expect(await login.foresee(entry)).toMatchObject({ kind: 'locked', lock: { scope: 'user_address' } })
      expect(await login.foresee({ ...entry, isExempt: true })).toEqual({ kind: 'admitted' })
    })

    test('to the pages of the broker open no session', async () => {
      const { login, enrolments, sessions, audit } = records()
      const { user, enrolment } = await enrolled()
      const { session: _, ...entry } = admission(user, {
        kind: 'totp',
        enrolment: enrolment.id,
        step: 1,
        driftMs: 0,
      })
      expect(await login.admit(entry)).toEqual({ kind: 'admitted' })
      expect(await login.admit({ ...entry, event: { ...entry.event, id: id() } })).toEqual({
        kind: 'code_used',
      })
      expect((await enrolments.ofSubject(user))[0]?.lastStep).toBe(1)
      expect(await sessions.list({ user, limit: 9 })).toEqual([])
      expect(await audit.list({ user, limit: 9 })).toEqual([entry.event])
    })

    test('with one code, however many at once, are one login', async () => {
      const { login, sessions } = records()
      const { user, enrolment } = await enrolled()
      const codeUse = { kind: 'totp', enrolment: enrolment.id, step: 100, driftMs: 0 } as const
      const answers = await Promise.all(
        Array.from({ length: AT_ONCE }, () => login.admit(admission(user, codeUse))),
      )
      expect(answers.filter(({ kind }) => kind === 'admitted')).toHaveLength(1)
      expect(answers.filter(({ kind }) => kind === 'code_used')).toHaveLength(AT_ONCE - 1)
      expect(await sessions.list({ user, limit: 9 })).toHaveLength(1)
    })

    test('with one recovery code, however many at once, are one login', async () => {
      const { login, sessions, enrolments } = records()
      const { user } = await enrolled(['first', 'second'])
      const codeUse = { kind: 'recovery', subject: user, hashes: ['first'] } as const
      const answers = await Promise.all(
        Array.from({ length: AT_ONCE }, () => login.admit(admission(user, codeUse))),
      )
      expect(answers.filter(({ kind }) => kind === 'admitted')).toHaveLength(1)
      expect(answers.filter(({ kind }) => kind === 'code_used')).toHaveLength(AT_ONCE - 1)
      expect(await sessions.list({ user, limit: 9 })).toHaveLength(1)
      expect(await enrolments.recoveryCodesLeft(user)).toBe(1)
    })

    test('that were approved need the passkey of that user to be there still', async () => {
      const { login, passkeys } = records()
      const [user, other] = [unique('user'), unique('other')]
      const passkey = passkeyOf(user)
      await passkeys.add(passkey)
      const approved = (subject: string) =>
        login.admit(admission(subject, { kind: 'approval', passkey: passkey.id, subject }))
      expect(await approved(user)).toEqual({ kind: 'admitted' })
      expect(await approved(other)).toEqual({ kind: 'code_used' })
      await passkeys.remove(passkey.id, user)
      expect(await approved(user)).toEqual({ kind: 'code_used' })
    })

    test('cannot go back to an earlier step, nor use the code of another', async () => {
      const { login } = records()
      const [{ user, enrolment }, other] = [await enrolled(['mine']), await enrolled(['theirs'])]
      const step = (number: number) =>
        login.admit(admission(user, { kind: 'totp', enrolment: enrolment.id, step: number, driftMs: 0 }))
      expect(await step(10)).toEqual({ kind: 'admitted' })
      expect(await step(9)).toEqual({ kind: 'code_used' })
      expect(await step(11)).toEqual({ kind: 'admitted' })
      const theirs = await login.admit(
        admission(user, { kind: 'recovery', subject: user, hashes: ['theirs'] }),
      )
      expect(theirs).toEqual({ kind: 'code_used' })
      const revoked = await login.admit(
        admission(other.user, { kind: 'totp', enrolment: id(), step: 1, driftMs: 0 }),
      )
      expect(revoked).toEqual({ kind: 'code_used' })
    })

    test('that a lock meets are refused and leave the code unspent', async () => {
      const { login, enrolments, sessions, audit } = records()
      const { user, enrolment } = await enrolled()
      const address = uniqueAddress()
      const [lock] = await login.recordFailure(failureOf(user, { address, lock: ['user_address'] }))
      const codeUse = { kind: 'totp', enrolment: enrolment.id, step: 1, driftMs: 0 } as const
      expect(await login.admit(admission(user, codeUse, { address, now: NOON + MINUTE }))).toEqual({
        kind: 'locked',
        lock,
      })
      expect((await enrolments.ofSubject(user))[0]?.lastStep).toBe(-1)
      expect(await sessions.list({ user, limit: 9 })).toEqual([])
      expect(await audit.list({ user, kinds: ['login.accepted'], limit: 9 })).toEqual([])
      expect(await login.admit(admission(user, codeUse, { address: uniqueAddress() }))).toEqual({
        kind: 'admitted',
      })
    })

    test('that are taken back before they are stored are not stored any more', async () => {
      const { login, enrolments, sessions, audit } = records()
      const { user, enrolment } = await enrolled()
      const entry = admission(user, { kind: 'totp', enrolment: enrolment.id, step: 5, driftMs: 0 })
      const back = withdrawalOf(entry)
      for (let tries = 0; tries < 2; tries++) expect(await login.withdraw(back)).toBe(false)
      await expect(login.admit(entry)).rejects.toThrow()
      expect((await enrolments.ofSubject(user))[0]?.lastStep).toBe(-1)
      expect(await sessions.list({ user, limit: 9 })).toEqual([])
      expect(await audit.list({ user, limit: 9 })).toEqual([back.refused])
    })

    test('that are taken back after they were stored leave an ended session and their events', async () => {
      const { login, sessions, audit } = records()
      const { user } = await enrolled()
      const entry = admission(user, { kind: 'none' })
      const back = withdrawalOf(entry)
      await login.admit(entry)
      for (let tries = 0; tries < 2; tries++) expect(await login.withdraw(back)).toBe(true)
      expect(await sessions.list({ user, limit: 9 })).toMatchObject([{ stoppedAt: back.withdrawn.at }])
      expect(await audit.list({ user, limit: 9 })).toEqual([back.withdrawn, entry.event])
    })

    test('that are taken back keep a session that accounting has named', async () => {
      const { login, sessions } = records()
      const user = unique('user')
      const acctSession = unique('acct')
      const entry = admission(user, { kind: 'none' }, { session: { acctSession } })
      await login.admit(entry)
      await sessions.record(accounting('start', user, acctSession, { at: NOON + MINUTE }))
      expect(await login.withdraw(withdrawalOf(entry))).toBe(true)
      expect(await sessions.list({ user, open: true, limit: 9 })).toHaveLength(1)
    })

    test('that cannot be written whole are not written at all', async () => {
      const { login, enrolments, sessions, audit } = records()
      const { user, enrolment } = await enrolled()
      const entry = admission(user, { kind: 'totp', enrolment: enrolment.id, step: 5, driftMs: 0 })
      await audit.append({ ...entry.event, kind: 'login.refused' })
      await expect(login.admit(entry)).rejects.toThrow()
      expect((await enrolments.ofSubject(user))[0]?.lastStep).toBe(-1)
      expect(await sessions.list({ user, limit: 9 })).toEqual([])
    })

    test('for which the gateway named the session twice stay one session, which is open', async () => {
      const { login, sessions } = records()
      const [user, acctSession] = [unique('user'), unique('acct')]
      const first = admission(user, { kind: 'none' }, { session: { acctSession } })
      const second = admission(
        user,
        { kind: 'none' },
        { now: NOON + MINUTE, session: { acctSession, policy: 'other' } },
      )
      expect(await login.admit(first)).toEqual({ kind: 'admitted' })
      expect(await login.admit(second)).toEqual({ kind: 'admitted' })
      expect(await sessions.list({ user, open: true, limit: 9 })).toEqual([second.session])
      await sessions.record(
        accounting('stop', user, acctSession, { at: NOON + HOUR, terminateCause: 'Lost-Carrier' }),
      )
      const third = { now: NOON + 2 * HOUR, session: { acctSession } }
      expect(await login.admit(admission(user, { kind: 'none' }, third))).toEqual({ kind: 'admitted' })
      expect(await sessions.list({ user, open: true, limit: 9 })).toHaveLength(1)
    })
  })
}
