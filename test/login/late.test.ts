import { expect, test } from 'vitest'
import { createLoginFixture } from './fixture.ts'

test('a login that misses its deadline is counted once, for the step that it was in', async () => {
  const fixture = await createLoginFixture()
  await fixture.enrol('bob')
  await fixture.login('right')
  await fixture.login('wrong')
  expect(fixture.late).toEqual([])
  // The store takes its time, and then answers, or does not.
  const { authenticate } = fixture.people.store
  Object.assign(fixture.people.store, {
    authenticate: (...given: Parameters<typeof authenticate>) => {
      fixture.passes(5001)
      return authenticate(...given)
    },
  })
  await fixture.login('right')
  expect(fixture.late).toEqual(['firstFactor'])
  fixture.people.isSilent = true
  await fixture.signIn('right')
  expect(fixture.late).toEqual(['firstFactor', 'firstFactor'])
})
