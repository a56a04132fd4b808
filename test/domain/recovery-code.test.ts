import { describe, expect, it } from 'vitest'
import {
  isRecoveryCode,
  isScratchCode,
  newRecoveryCode,
  recoveryCodeHash,
  scratchCodeHash,
  splitRecoveryCode,
} from '../../src/domain/enrolment.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { Secret } from '../../src/domain/secret.ts'

describe('a recovery code', () => {
  it('has its form, and is not drawn twice', () => {
    const codes = Array.from({ length: 500 }, () => newRecoveryCode(systemRandom))
    expect(codes.filter((code) => !isRecoveryCode(code))).toEqual([])
    expect(new Set(codes).size).toBe(500)
  })

  it('is the same however it is typed, and another for each user', () => {
    const hash = recoveryCodeHash('bob', 'abcd-efgh-jkmn-pqrs')
    expect(recoveryCodeHash('bob', 'ABCDefgh-JKMNpqrs')).toBe(hash)
    expect(recoveryCodeHash('eve', 'abcd-efgh-jkmn-pqrs')).not.toBe(hash)
  })

  it('is split from the password before it, only with its hyphens', () => {
    expect(splitRecoveryCode('hunter2abcd-efgh-jkmn-pqrs')).toEqual({
      rest: 'hunter2',
      code: 'abcd-efgh-jkmn-pqrs',
    })
    expect(splitRecoveryCode('abcd-efgh-jkmn-pqrs')).toEqual({ rest: '', code: 'abcd-efgh-jkmn-pqrs' })
    expect(splitRecoveryCode('hunterabcdefghjkmnpqrs')).toBeUndefined()
    expect(splitRecoveryCode('correct-horse-battery')).toBeUndefined()
  })
})

describe('a scratch code', () => {
  it('has eight digits where codes have another number of them', () => {
    const six = { digits: 6 }
    expect(['54404531', '5440 4531', '5440-4531'].map((typed) => isScratchCode(typed, six))).toEqual([
      true,
      true,
      true,
    ])
    expect(['544045', '5440453', '544045312', '5440453a'].some((typed) => isScratchCode(typed, six))).toBe(
      false,
    )
    expect(isScratchCode('54404531', { digits: 8 })).toBe(false)
  })

  it('is kept in a form that depends on seed and user, and not on how it was typed', () => {
    const [seed, other] = [new Secret('twenty octets of it!'), new Secret('twenty other octets!')]
    const hash = scratchCodeHash(seed, 'bob', '54404531')
    expect(scratchCodeHash(seed, 'bob', '5440-4531')).toBe(hash)
    expect(scratchCodeHash(seed, 'eve', '54404531')).not.toBe(hash)
    expect(scratchCodeHash(other, 'bob', '54404531')).not.toBe(hash)
  })
})
