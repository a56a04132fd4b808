import { describe, expect, test } from 'vitest'
import type { Repositories } from '../../../src/store/repositories.ts'
import { admission, enrolmentOf, NOON, unique } from '../samples.ts'

export function graceContract(records: () => Repositories): void {
  const left = { kind: 'logins', left: 3 } as const
  const enter = (subject: string, most = 3) =>
    records().login.admit(admission(subject, { kind: 'grace', subject, most, left }))

  describe('the grace of a user without an authenticator', () => {
    test('lets no more logins in than are left, also at the same moment', async () => {
      const user = unique('user')
      const answers = await Promise.all(Array.from({ length: 8 }, () => enter(user)))
      expect(answers.filter(({ kind }) => kind === 'admitted')).toHaveLength(3)
      expect(answers.filter(({ kind }) => kind === 'code_used')).toHaveLength(5)
      expect(await records().login.graceOf({ subject: user, now: NOON })).toEqual({ logins: 3, isOpen: true })
      const standings = await records().rollOut.standingsOf([user, unique('nobody')])
      expect([...standings.values()]).toMatchObject([{ grace: { logins: 3, isClosed: false } }])
    })

    test('is over with an authenticator, and stays so when that is taken away', async () => {
      const user = unique('user')
      await enter(user)
      await records().enrolments.replace({ enrolment: enrolmentOf(user), recoveryHashes: [] })
      expect(await enter(user)).toEqual({ kind: 'code_used' })
      expect(await records().login.graceOf({ subject: user, now: NOON })).toEqual({
        logins: 1,
        isOpen: false,
      })
      await records().enrolments.revoke(user)
      expect(await enter(user)).toEqual({ kind: 'code_used' })
      expect(await records().login.graceOf({ subject: user, now: NOON })).toEqual({
        logins: 1,
        isOpen: false,
      })
    })
  })
}
