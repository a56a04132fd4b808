import { describe, expect, it } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { OldHashes } from '../../src/identity/local/imported-hashes/old-hashes.ts'
import { PasswordHashes } from '../../src/identity/local/password-hashes.ts'
import { crypt } from '../real/password-tools.ts'

describe('checks of hashes that another program made', () => {
  const stored = crypt('right', '$6$saltstring$')
  /** Minutes of work. */
  const endless = stored.replace('$6$', '$6$rounds=99999999$')

  it('run in threads, at the same time and beside everything else', async () => {
    const hashes = new OldHashes({ threads: 2, waiting: 100 })
    let ticks = 0
    const ticking = setInterval(() => {
      ticks += 1
    }, 1)
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        hashes.verify(stored, new Secret(at % 2 === 0 ? 'right' : 'wrong')),
      ),
    )
    clearInterval(ticking)
    expect(answers).toEqual(answers.map((_, at) => at % 2 === 0))
    expect(ticks).toBeGreaterThan(20)
  })

  it('are refused where too many wait', async () => {
    const hashes = new OldHashes({ threads: 1, waiting: 2 })
    const outcomes = await Promise.allSettled(
      Array.from({ length: 9 }, () => hashes.verify(stored, new Secret('right'))),
    )
    expect(outcomes.map(({ status }) => status === 'fulfilled').filter(Boolean)).toHaveLength(3)
  })

  it('that take too long are given up, and their thread with them', async () => {
    const hashes = new OldHashes({ threads: 1, waiting: 2, patienceMs: 500 })
    await expect(hashes.verify(endless, new Secret('right'))).rejects.toThrow(
      'password checks: no answer within 500 ms',
    )
    const next = () => hashes.verify(stored, new Secret('right')).catch(() => false)
    await expect.poll(next, { timeout: 10_000 }).toBe(true)
  })

  it('take no less time than those of argon2id, right or wrong', async () => {
    const hashes = new PasswordHashes({ parallel: 1, waiting: 100 })
    const quick = crypt('right', '$1$abcdefgh$')
    await hashes.verify(quick, new Secret('right'))
    const taken = { unknown: [] as number[], imported: [] as number[] }
    const time = async (of: number[], work: () => Promise<unknown>) => {
      const startedAt = performance.now()
      await work()
      of.push(performance.now() - startedAt)
    }
    // In turn, so that a busy machine slows both alike.
    for (let round = 0; round < 25; round += 1) {
      await time(taken.unknown, () => hashes.verifyNothing(new Secret('wrong')))
      await time(taken.imported, () => hashes.verify(quick, new Secret('wrong')))
    }
    const median = (of: readonly number[]) => of.toSorted((one, other) => one - other)[12] ?? 0
    expect(median(taken.imported)).toBeGreaterThan(median(taken.unknown) * 0.6)
  })

  it('take the password as it was typed, and composed as other keyboards do', async () => {
    const hashes = new PasswordHashes({ parallel: 2, waiting: 9 })
    const composed = crypt('caf\u00e9', '$5$saltstring$')
    expect(await hashes.verify(composed, new Secret('cafe\u0301'))).toBe(true)
    const decomposed = crypt('cafe\u0301', '$5$saltstring$')
    expect(await hashes.verify(decomposed, new Secret('cafe\u0301'))).toBe(true)
    expect(await hashes.verify(composed, new Secret('cafe'))).toBe(false)
  })
})
