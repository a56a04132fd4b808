import { expect, it } from 'vitest'
import { UsualDelay } from '../../src/identity/ldap/usual-delay.ts'

it('a refusal that asks nobody takes as long as the middle one of the last that did', async () => {
  const refusals = new UsualDelay()
  expect(refusals.ms).toBe(0)
  for (const ms of [5, 900, 60, 61, 62]) refusals.note(ms)
  expect(refusals.ms).toBe(61)
  const begun = performance.now()
  await refusals.pass()
  expect(performance.now() - begun).toBeGreaterThan(59)
})

it('an outage that was taken for a refusal holds nobody for long', () => {
  const refusals = new UsualDelay()
  refusals.note(60_000)
  expect(refusals.ms).toBe(1500)
})

it('what was usual long ago is forgotten', () => {
  const refusals = new UsualDelay()
  for (let count = 0; count < 15; count += 1) refusals.note(1000)
  for (let count = 0; count < 8; count += 1) refusals.note(10)
  expect(refusals.ms).toBe(10)
})
