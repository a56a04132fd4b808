import { expect, test } from 'vitest'
import { configOf, faultOf, GATEWAY } from './loading.ts'

function withLimit(sessions: string, decision = 'reply: {}'): string {
  return `${GATEWAY}policies: [{ name: staff, sessions: ${sessions}, ${decision} }]`
}

test('a limit of sessions counts by user unless it says otherwise', async () => {
  const { policies } = await configOf(withLimit('{ most: 2, then: refuse }'))
  expect(policies[0]?.sessions).toEqual({ most: 2, whenFull: 'refuse', per: 'user' })
  const other = await configOf(withLimit('{ most: 1, then: end_oldest, per: user_and_gateway }'))
  expect(other.policies[0]?.sessions).toEqual({ most: 1, whenFull: 'end_oldest', per: 'user_and_gateway' })
})

test.each([
  ['{ most: 0, then: refuse }', 'reply: {}', 'policies[0].sessions.most'],
  ['{ most: 2 }', 'reply: {}', 'policies[0].sessions.then'],
  ['{ most: 2, then: end }', 'reply: {}', 'policies[0].sessions.then'],
  ['{ most: 2, then: refuse }', 'deny: true', 'policies[0].sessions'],
])('a wrong limit is refused: %s, %s', async (sessions, decision, path) => {
  expect(await faultOf(withLimit(sessions, decision))).toMatchObject({ path })
})
