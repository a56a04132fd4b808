import { format, inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'

describe('a secret', () => {
  const secret = new Secret('correct horse')

  it('prints as *** in every conversion to text', () => {
    const printed = [
      `${secret}`,
      String(secret),
      JSON.stringify({ secret }),
      inspect({ deep: { secret } }, { depth: 9, showHidden: true }),
      format('%s %o %j', secret, secret, secret),
      Object.values(secret).join(),
    ]
    expect(printed.filter((text) => /correct|horse/.test(text))).toEqual([])
  })

  it('is redacted from a text that quotes it, unless it is so short that it may occur by chance', () => {
    expect(secret.redactedFrom('no "correct horse" here, correct horse')).toBe('no "***" here, ***')
    expect(new Secret('abc').redactedFrom('abcd')).toBe('abcd')
    expect(new Secret('$&.*').redactedFrom('said $&.*!')).toBe('said ***!')
  })

  it('is equal to the same octets and to nothing else', () => {
    expect(secret.equals(new Secret(Buffer.from('correct horse')))).toBe(true)
    expect(secret.equals(new Secret('correct horsf'))).toBe(false)
    expect(secret.equals(new Secret('correct'))).toBe(false)
  })
})
