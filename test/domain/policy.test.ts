import { describe, expect, test } from 'vitest'
import { choosePolicy } from '../../src/domain/policy.ts'

const person = (subject: string) => ({ subject, source: 'local', groups: [], attributes: {} })

describe('a policy for users by name', () => {
  const policies = [
    { name: 'of-bob', when: { users: ['bob'] } },
    { name: 'of-one-ann', when: { users: ['ann@one.example'] } },
    { name: 'rest', when: {} },
  ]

  test.each([
    ['bob', 'of-bob'],
    ['bob@corp.example', 'of-bob'],
    ['ann@one.example', 'of-one-ann'],
    ['ann@two.example', 'rest'],
    ['ann', 'rest'],
    ['bobby', 'rest'],
  ])('%s has %s', (subject, policy) => {
    const login = { person: person(subject), gateway: 'gw', at: 0, enrolled: true }
    expect(choosePolicy(policies, login).policy?.name).toBe(policy)
  })
})
