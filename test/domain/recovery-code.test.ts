import { describe, expect, it } from 'vitest'
import {
  isRecoveryCode,
  newRecoveryCode,
  recoveryCodeHash,
  splitRecoveryCode,
} from '../../src/domain/enrolment.ts'
import { systemRandom } from '../../src/domain/random.ts'

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
