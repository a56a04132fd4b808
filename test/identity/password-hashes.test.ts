import { describe, expect, it } from 'vitest'
import { Unavailable } from '../../src/domain/errors.ts'
import { Secret } from '../../src/domain/secret.ts'
import { PasswordHashes } from '../../src/identity/local/password-hashes.ts'

describe('password checks', () => {
  it('refuse at once what does not fit the queue, and finish what does', async () => {
    const hashes = new PasswordHashes({ parallel: 1, waiting: 2 })
    const hash = await hashes.hash(new Secret('right'))
    const checks = Array.from({ length: 10 }, () => hashes.verify(hash, new Secret('right')))
    const outcomes = await Promise.allSettled(checks)
    // The one that is worked on, and the two that came last.
    const served = outcomes.flatMap(({ status }, at) => (status === 'fulfilled' ? [at] : []))
    expect(served).toEqual([0, 8, 9])
    const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
    expect(refused).toHaveLength(7)
    expect(refused.every((reason) => reason instanceof Unavailable)).toBe(true)
    expect(await hashes.verify(hash, new Secret('right'))).toBe(true)
  })

  it('are not made if nobody waits for the answer any more', async () => {
    const hashes = new PasswordHashes({ parallel: 1, waiting: 9 })
    const hash = await hashes.hash(new Secret('right'))
    const first = hashes.verify(hash, new Secret('right'))
    await expect(hashes.verify(hash, new Secret('right'), { patienceMs: 0 })).rejects.toThrow(
      'no turn within 0 ms',
    )
    expect(await first).toBe(true)
  })

  it('take the same characters in another composition for the same password', async () => {
    const hashes = new PasswordHashes({ parallel: 2, waiting: 9 })
    const hash = await hashes.hash(new Secret('caf\u00e9'))
    expect(await hashes.verify(hash, new Secret('cafe\u0301'))).toBe(true)
    expect(await hashes.verify(hash, new Secret('cafe'))).toBe(false)
  })

  it('of nothing are never right', async () => {
    const hashes = new PasswordHashes({ parallel: 2, waiting: 9 })
    expect(await hashes.verifyNothing(new Secret('no password has this hash'))).toBe(false)
  })
})
