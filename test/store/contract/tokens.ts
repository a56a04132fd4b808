import { describe, expect, test } from 'vitest'
import type { ApiToken } from '../../../src/domain/api-token.ts'
import type { Repositories } from '../../../src/store/repositories.ts'
import { HOUR, id, NOON, unique } from '../samples.ts'

export function tokenContract(records: () => Repositories): void {
  function tokenNamed(name: string, more: Partial<ApiToken> = {}): ApiToken {
    const by = { createdAt: NOON, createdBy: 'root' }
    return { id: id(), name, hash: unique('hash'), scopes: ['lockouts:read', 'audit:read'], ...by, ...more }
  }

  describe('tokens', () => {
    test('are found by their digest as they were made', async () => {
      const { tokens } = records()
      const made = [
        tokenNamed(unique('token')),
        tokenNamed(unique('token'), { expiresAt: NOON + HOUR }),
        tokenNamed(unique('token'), { scopes: [], gateway: 'gw-1.north' }),
      ]
      for (const token of made) expect(await tokens.add(token)).toBe('added')
      for (const token of made) expect(await tokens.findByHash(token.hash)).toEqual(token)
      expect(await tokens.findByHash(unique('hash'))).toBeUndefined()
    })

    test('have names of their own, which are free again once a token is revoked', async () => {
      const { tokens } = records()
      const name = unique('token')
      const first = tokenNamed(name)
      await tokens.add(first)
      expect(await tokens.add(tokenNamed(name))).toBe('exists')
      const revoked = { ...first, revokedAt: NOON + 1, revokedBy: 'alice' }
      expect(await tokens.revoke(name, 'alice', NOON + 1)).toEqual(revoked)
      expect(await tokens.revoke(name, 'alice', NOON + 2)).toBeUndefined()
      expect(await tokens.findByHash(first.hash)).toEqual(revoked)
      expect(await tokens.add(tokenNamed(name))).toBe('added')
    })

    test('are listed newest first, at most so many', async () => {
      const { tokens } = records()
      const made = [tokenNamed(unique('token')), tokenNamed(unique('token')), tokenNamed(unique('token'))]
      for (const token of made) await tokens.add(token)
      const ids = new Set(made.map((token) => token.id))
      const listed = (await tokens.list(1000)).filter((token) => ids.has(token.id))
      expect(listed).toEqual([...made].reverse())
      expect(await tokens.list(1)).toHaveLength(1)
    })

    test('note their last use, and never an earlier one', async () => {
      const { tokens } = records()
      const token = tokenNamed(unique('token'))
      await tokens.add(token)
      await tokens.noteUse(token.id, NOON + 5)
      await tokens.noteUse(token.id, NOON + 3)
      expect(await tokens.findByHash(token.hash)).toEqual({ ...token, lastUsedAt: NOON + 5 })
    })
  })
}
