import { describe, expect, test } from 'vitest'
import type { Invitation } from '../../../src/domain/invitation.ts'
import type { Repositories } from '../../../src/store/repositories.ts'
import { HOUR, id, NOON, unique, userNamed } from '../samples.ts'

function invitationOf(subject: string, more: Partial<Invitation> = {}): Invitation {
  return {
    id: id(),
    subject,
    hash: unique('hash'),
    createdAt: NOON,
    createdBy: 'alice (command line)',
    expiresAt: NOON + HOUR,
    ...more,
  }
}

/** A used invitation ends with its use: a broker of an older version takes it no more. */
function usedAt(invitation: Invitation, at: number): Invitation {
  return { ...invitation, expiresAt: at, usedAt: at }
}

export function invitationContract(records: () => Repositories): void {
  describe('an invitation', () => {
    test('is redeemed once, by the one whose it is', async () => {
      const { invitations } = records()
      const subject = unique('subject')
      const invitation = invitationOf(subject)
      await invitations.put(invitation)
      expect(await invitations.redeem(invitation.hash, [unique('other')], NOON)).toBeUndefined()
      expect(await invitations.redeem(invitation.hash, [], NOON)).toBeUndefined()
      expect(await invitations.redeem(unique('hash'), [subject], NOON)).toBeUndefined()
      expect(await invitations.redeem(invitation.hash, [unique('other'), subject], NOON)).toEqual(
        usedAt(invitation, NOON),
      )
      expect(await invitations.redeem(invitation.hash, [subject], NOON)).toBeUndefined()
    })

    test('goes to one of many who redeem it at once', async () => {
      const { invitations } = records()
      const subject = unique('subject')
      const invitation = invitationOf(subject)
      await invitations.put(invitation)
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => invitations.redeem(invitation.hash, [subject], NOON)),
      )
      expect(answers.filter((answer) => answer !== undefined)).toEqual([usedAt(invitation, NOON)])
    })

    test('tells the holder of its code why it is worth nothing any more', async () => {
      const { invitations } = records()
      const [mine, late] = [unique('subject'), unique('subject')]
      const used = invitationOf(mine)
      const expired = invitationOf(late)
      await invitations.put(used)
      await invitations.put(expired)
      await invitations.redeem(used.hash, [mine], NOON)
      expect(await invitations.endOf(used.hash, [unique('other'), mine])).toBe('used')
      expect(await invitations.endOf(expired.hash, [late])).toBe('expired')
      for (const [hash, subjects] of [
        [unique('hash'), [mine]],
        [used.hash, [late]],
        [used.hash, []],
      ] as const)
        expect(await invitations.endOf(hash, subjects)).toBeUndefined()
    })

    test('is worth nothing from its end on', async () => {
      const { invitations } = records()
      const subject = unique('subject')
      const invitation = invitationOf(subject)
      await invitations.put(invitation)
      expect(await invitations.redeem(invitation.hash, [subject], NOON + HOUR)).toBeUndefined()
      expect(await invitations.redeem(invitation.hash, [subject], NOON + HOUR - 1)).toEqual(
        usedAt(invitation, NOON + HOUR - 1),
      )
    })

    test('ends the one before', async () => {
      const { invitations } = records()
      const subject = unique('subject')
      const [first, second] = [invitationOf(subject), invitationOf(subject)]
      await invitations.put(first)
      await invitations.put(second)
      expect(await invitations.redeem(first.hash, [subject], NOON)).toBeUndefined()
      expect(await invitations.redeem(second.hash, [subject], NOON)).toEqual(usedAt(second, NOON))
    })

    test('is worth nothing once it is revoked, and does not go with a local user of its name', async () => {
      const { invitations, users } = records()
      const name = unique('user')
      await users.add(userNamed(name))
      const [invitation, other] = [invitationOf(name), invitationOf(unique('other'))]
      await invitations.put(invitation)
      await users.remove(name)
      expect(await invitations.redeem(invitation.hash, [name], NOON)).toEqual(usedAt(invitation, NOON))
      await invitations.put(invitation)
      await invitations.put(other)
      await invitations.revoke(name)
      expect(await invitations.redeem(other.hash, [other.subject], NOON)).toEqual(usedAt(other, NOON))
      expect(await invitations.redeem(invitation.hash, [name], NOON)).toBeUndefined()
    })
  })
}
