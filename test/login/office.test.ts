import { expect, test } from 'vitest'
import { requestLimits } from '../../src/limits/request-limits.ts'
import { configOf, GATEWAY } from '../config/loading.ts'
import { createLoginFixture } from './fixture.ts'

/** What a browser asks for in one enrolment: pages, forms, their redirections, and the files of the first page. */
const REQUESTS = 15
const PEOPLE = 200
const MORNING_MS = 3 * 3_600_000

async function officeByDefaults() {
  const { limits, lockout, http } = await configOf(`${GATEWAY}http: {}\n`)
  const fixture = await createLoginFixture({
    rules: lockout,
    userRate: limits.user.points,
    addressRate: limits.address.points,
  })
  return { fixture, http }
}

test('200 people behind one address enrol in one morning, a fifth of them with a mistake in the password', async () => {
  const { fixture } = await officeByDefaults()
  const refused: unknown[] = []
  for (let person = 0; person < PEOPLE; person += 1) {
    const user = `person${person}`
    fixture.people.passwords.set(user, 'right')
    // Most come at nine: half of them within the first half hour.
    fixture.passes(person < PEOPLE / 2 ? 1_800_000 / (PEOPLE / 2) : (MORNING_MS - 1_800_000) / (PEOPLE / 2))
    if (person % 5 === 0) await fixture.signIn('wrong', { user })
    const decision = await fixture.signIn('right', { user })
    if (decision.kind !== 'signed_in') refused.push(decision)
  }
  expect(refused).toEqual([])
  expect(await fixture.records.lockouts.list({ limit: 9 })).toEqual([])
})

test('the requests of the busiest minute of such a morning are within http.limits', async () => {
  const { http } = await officeByDefaults()
  const limits = requestLimits(http?.limits ?? expect.unreachable('no http'))
  const waits: unknown[] = []
  // 20 people in one minute are four times what comes in the first half hour.
  for (let request = 0; request < 20 * REQUESTS; request += 1)
    waits.push(await limits.count('address', '192.0.2.1'))
  expect(waits.filter((wait) => wait !== undefined)).toEqual([])
  expect(await limits.count('address', '192.0.2.1')).toBeGreaterThan(0)
})

test('a guesser among them is bounded, and locks nobody out elsewhere', async () => {
  const { fixture } = await officeByDefaults()
  for (let person = 0; person < PEOPLE; person += 1) fixture.people.passwords.set(`person${person}`, 'right')
  // One password for everybody, again and again, each second of an hour.
  for (let guess = 0; guess < 3600; guess += 1) {
    fixture.passes(1000)
    await fixture.signIn('Winter2026!', { user: `person${guess % PEOPLE}` })
  }
  // Fifty before each lockout of the address, and each lasts twice as long.
  expect(fixture.people.asked.length).toBeLessThanOrEqual(200)
  const scopes = (await fixture.records.lockouts.list({ limit: 99 })).map(({ scope }) => scope)
  expect(new Set(scopes)).toEqual(new Set(['address']))
  expect((await fixture.signIn('right', { user: 'person7', address: '203.0.113.9' })).kind).toBe('signed_in')
})
