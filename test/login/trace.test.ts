import { expect, it } from 'vitest'
import { stepsIn, Trace } from '../../src/login/trace.ts'
import { createLoginFixture } from './fixture.ts'

it('of a login is read as it was written', () => {
  const trace = new Trace(1000)
  trace.enter('takePermit')
  trace.leave(1000.04)
  trace.enter('loadContext')
  trace.leave(1002.5, 'local corp')
  trace.enter('firstFactor')
  expect(trace.text(1010)).toBe('takePermit 0;loadContext 2.5 local corp;firstFactor 7.5+')
  expect(stepsIn(trace.text(1010))).toEqual([
    { step: 'takePermit', ms: 0, isOpen: false, about: undefined },
    { step: 'loadContext', ms: 2.5, isOpen: false, about: 'local corp' },
    { step: 'firstFactor', ms: 7.5, isOpen: true, about: undefined },
  ])
  expect(stepsIn('')).toEqual([])
})

it('is kept with each event of a login, and names the attempt', async () => {
  const fixture = await createLoginFixture({ required: false })
  await fixture.login('right', { id: 'first' })
  await fixture.login('wrong', { id: 'second' })
  const events = await fixture.records.audit.list({ order: 'oldest', limit: 9 })
  const last = events.map(({ attempt, steps }) => [attempt, stepsIn(steps ?? '').at(-1)?.step])
  expect(last).toEqual([
    ['first', 'openSession'],
    ['second', 'recordOutcome'],
  ])
  expect(await fixture.records.audit.list({ attempt: 'second', limit: 9 })).toEqual(events.slice(1))
})
