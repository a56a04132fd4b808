import { describe, expect, test } from 'vitest'
import type { Invitation } from '../../../src/domain/invitation.ts'
import type { Repositories } from '../../../src/store/repositories.ts'
import { HOUR, id, MINUTE, mailOf, NOON, unique } from '../samples.ts'

export function mailContract(records: () => Repositories): void {
  describe('mails', () => {
    const turn = (now: number, holder = 'one') => ({ holder, now, until: now + MINUTE })
    const stateOf = async (mail: string, user: string) =>
      (await records().mails.list({ user, limit: 10 })).find((each) => each.id === mail)

    /** Other tests leave mails in the store, too. */
    const empty = async () => {
      for (;;) {
        const now = NOON + 1000 * HOUR
        const mail = await records().mails.take(turn(now, 'broom'))
        if (mail === undefined) return
        await records().mails.giveUp(mail.id, turn(now, 'broom'), 'swept')
      }
    }

    test('are taken in their order, one at a time, and lose what they said when they were sent', async () => {
      await empty()
      const { mails } = records()
      const user = unique('user')
      const [first, second] = [
        mailOf(`${user}@corp`, { sealed: 'k1.first' }),
        mailOf(user, { createdAt: NOON + 1 }),
      ]
      expect(await mails.add(second)).toBe('added')
      expect(await mails.add(first)).toBe('added')
      expect(await mails.add({ ...first, to: 'other@example.org' })).toBe('known')
      expect(await mails.take(turn(NOON - 1))).toBeUndefined()
      const taken = await mails.take(turn(NOON + 2))
      expect(taken).toMatchObject({ id: first.id, to: 'a@example.org', sealed: 'k1.first', tries: 1 })
      expect(await mails.sent(first.id, turn(NOON + 3, 'two'))).toBe(false)
      expect(await mails.sent(first.id, turn(NOON + 3))).toBe(true)
      const next = await mails.take(turn(NOON + 4))
      expect(next?.id).toBe(second.id)
      await mails.giveUp(second.id, turn(NOON + 5), '550 no such user')
      expect(await mails.take(turn(NOON + 6))).toBeUndefined()
      expect(await mails.list({ user, limit: 10 })).toEqual([
        expect.objectContaining({
          id: second.id,
          state: 'failed',
          endedAt: NOON + 5,
          fault: '550 no such user',
        }),
        expect.objectContaining({ id: first.id, state: 'sent', endedAt: NOON + 3 }),
      ])
      expect(await mails.list({ user, states: ['failed'], limit: 10 })).toHaveLength(1)
    })

    test('that a killed broker was sending come again, before the others', async () => {
      await empty()
      const { mails } = records()
      const user = unique('user')
      const [first, second] = [mailOf(user), mailOf(user, { createdAt: NOON + 1 })]
      await mails.add(first)
      await mails.add(second)
      await mails.take(turn(NOON + 2, 'killed'))
      const later = NOON + 2 + MINUTE
      expect(await mails.take(turn(later, 'two'))).toMatchObject({ id: first.id, tries: 2 })
      expect(await mails.sent(first.id, turn(later, 'killed'))).toBe(false)
      expect(await mails.sent(first.id, turn(later, 'two'))).toBe(true)
      expect((await mails.take(turn(later, 'two')))?.id).toBe(second.id)
      await mails.sent(second.id, turn(later, 'two'))
    })

    test('that are put back keep what they say, and wait until they are due', async () => {
      await empty()
      const { mails } = records()
      const mail = mailOf(unique('user'))
      await mails.add(mail)
      await mails.take(turn(NOON))
      await mails.postpone(mail.id, turn(NOON), NOON + MINUTE, '451 later')
      expect(await mails.queue(NOON)).toEqual({
        waiting: 1,
        since: NOON,
        fault: '451 later',
        failed: expect.any(Number),
      })
      expect(await mails.take(turn(NOON + MINUTE - 1))).toBeUndefined()
      expect(await mails.take(turn(NOON + MINUTE))).toMatchObject({
        id: mail.id,
        sealed: 'k1.x',
        fault: '451 later',
      })
      await mails.sent(mail.id, turn(NOON + MINUTE))
      expect(await mails.queue(NOON)).toMatchObject({ waiting: 0 })
    })

    test('that are worth nothing any more are not sent', async () => {
      await empty()
      const { mails } = records()
      const user = unique('user')
      const mail = mailOf(user)
      await mails.add(mail)
      await mails.add(mailOf(user, { createdAt: NOON + 1, expiresAt: NOON + 2 * HOUR }))
      expect((await mails.take(turn(NOON + HOUR)))?.id).not.toBe(mail.id)
      expect(await stateOf(mail.id, user)).toMatchObject({ state: 'expired', endedAt: NOON + HOUR })
      await empty()
    })

    test('of an invitation are kept with it, and replaced by those of the next', async () => {
      await empty()
      const { mails, invitations } = records()
      const subject = unique('user')
      const invitation = (createdAt: number): Invitation => ({
        ...{ id: id(), subject, hash: unique('hash'), createdAt, createdBy: 'alice', expiresAt: NOON + HOUR },
      })
      const [first, second] = [
        mailOf(subject, { kind: 'invitation' }),
        mailOf(subject, { kind: 'invitation', createdAt: NOON + 1 }),
      ]
      const notice = mailOf(subject)
      await mails.add(notice)
      await invitations.put(invitation(NOON), first)
      await invitations.put(invitation(NOON + 1), second)
      expect(await stateOf(first.id, subject)).toMatchObject({ state: 'replaced' })
      expect(await stateOf(second.id, subject)).toMatchObject({ state: 'waiting' })
      expect(await mails.madeSince(subject, NOON - 1, 'notices')).toBe(1)
      expect(await mails.madeSince(subject, NOON - 1, 'invitation')).toBe(2)
      expect(await mails.madeSince(subject, NOON, 'notices')).toBe(0)
      await invitations.revoke(subject)
      expect(await stateOf(second.id, subject)).toBeUndefined()
      expect(await stateOf(notice.id, subject)).toMatchObject({ state: 'waiting' })
    })

    test('are not kept where the invitation cannot be', async () => {
      const { mails, invitations } = records()
      const subject = unique('user')
      const taken = { ...mailOf(unique('other')), id: unique('mail') }
      const hash = unique('hash')
      const invitation = (of: string): Invitation => ({
        ...{ id: id(), subject: of, hash, createdAt: NOON, createdBy: 'alice', expiresAt: NOON + HOUR },
      })
      await invitations.put(invitation(unique('first')), taken)
      const lost = mailOf(subject, { kind: 'invitation' })
      // Two invitations with one code cannot be.
      await expect(invitations.put(invitation(subject), lost)).rejects.toThrow()
      expect(await mails.list({ user: subject, limit: 1 })).toEqual([])
    })
  })
}
