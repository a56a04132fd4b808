import { expect, test } from 'vitest'
import { createLoginFixture } from './fixture.ts'

const KINDS = ['login.refused', 'login.prompt_unanswered'] as const

/** A clock of the test's own, and the timers of the machine: ends are looked for each second. */
async function fixtureWithEvents() {
  const fixture = await createLoginFixture({ rules: { after: 2 } })
  await fixture.enrol('bob')
  const events = async () =>
    (await fixture.records.audit.list({ kinds: KINDS, order: 'oldest', limit: 99 })).map(
      ({ kind, reason, times, address }) => [kind, reason ?? address, times],
    )
  return { ...fixture, events }
}

test('of the refusals by a lock the trail has the first of a window, and then the number of the others', async () => {
  const { login, passes, events } = await fixtureWithEvents()
  for (let i = 0; i < 2; i++) await login('wrong')
  for (let i = 0; i < 40; i++) await login('wrong')
  for (let i = 0; i < 2; i++) await login('wrong', { user: 'nobody' })
  await login('wrong', { user: 'nobody' })
  const failures = Array(2).fill(['login.refused', 'bad_credentials', undefined])
  const locked = ['login.refused', 'locked', undefined]
  expect(await events()).toEqual([...failures, locked, ...failures, locked])
  passes(60_000)
  const others = ['login.refused', 'locked', 39]
  await expect.poll(events, { timeout: 5000 }).toEqual([...failures, locked, ...failures, locked, others])
  await login('wrong')
  expect((await events()).at(-1), 'a new window').toEqual(locked)
})

test('prompts that nobody answers are one event of a window for each address, with their number', async () => {
  const { login, passes, code, events, records, tallied } = await fixtureWithEvents()
  for (let i = 0; i < 7; i++) await login('right', { address: '203.0.113.9' })
  await login('right', { address: '203.0.113.10' })
  const prompt = await login('right')
  if (prompt.kind !== 'challenge') expect.unreachable(prompt.kind)
  expect(await login(code(), { state: prompt.state })).toMatchObject({ kind: 'grant' })
  passes(119_000)
  await expect.poll(() => tallied.size, { timeout: 5000 }).toBe(2)
  passes(60_000)
  await expect.poll(events, { timeout: 5000 }).toEqual([
    ['login.prompt_unanswered', '203.0.113.9', 7],
    ['login.prompt_unanswered', '203.0.113.10', 1],
  ])
  expect((await records.audit.list({ kinds: KINDS, limit: 1 }))[0]).toMatchObject({
    user: 'bob',
    gateway: 'gw1',
    detail: 'people: first factor right',
  })
})
