import { expect, test } from 'vitest'
import { configOf, faultOf, GATEWAY, warningsOf } from './loading.ts'

const TOO_LATE = '2020-02-29'

function withGrace(grace: unknown, more: object = {}): string {
  return `${GATEWAY}second_factor: ${JSON.stringify({ grace, ...more })}`
}

test('grace ends with a day, in the zone of the site, or after some logins', async () => {
  const until = `${withGrace({ until: '2099-12-31' })}\naccounting: { time_zone: Asia/Shanghai }`
  expect((await configOf(until)).secondFactor.grace).toEqual({
    ...{ kind: 'until', day: '2099-12-31', endsAt: Date.parse('2100-01-01T00:00:00+08:00') },
  })
  const { grace } = (await configOf(withGrace({ logins: 3 }))).secondFactor
  expect(grace).toEqual({ kind: 'logins', most: 3 })
})

const PATH = 'second_factor.grace'

test.each([
  ['two ends', { until: '2099-12-31', logins: 3 }, PATH, 'has until and logins', /keep one/],
  ['no end', {}, PATH, 'says neither how long nor how often', /until: .* or logins: 3/],
  [
    'no day of the calendar',
    { until: '2099-02-30' },
    `${PATH}.until`,
    /"2099-02-30" is not a day/,
    /2027-02-01/,
  ],
  ['a day that is written otherwise', { until: '31.12.2099' }, `${PATH}.until`, /is not a day/, /2027-02-01/],
])('of grace with %s, cause and remedy are named', async (_, grace, path, problem, suggestion) => {
  expect(await faultOf(withGrace(grace))).toMatchObject({
    path,
    problem: typeof problem === 'string' ? problem : expect.stringMatching(problem),
    suggestion: expect.stringMatching(suggestion),
  })
})

test('grace for no login, for -1, or for half of one is refused', async () => {
  for (const logins of [0, -1, 0.5, 1001])
    expect((await faultOf(withGrace({ logins }))).path).toBe(`${PATH}.logins`)
})

test('grace where nothing can be waived is refused', async () => {
  expect(await faultOf(withGrace({ logins: 3 }, { required: false }))).toMatchObject({
    path: PATH,
    problem: expect.stringContaining('required: false'),
    suggestion: 'remove one of them',
  })
  expect(await faultOf(withGrace({ logins: 3 }, { mode: 'only' }))).toMatchObject({
    path: PATH,
    problem: expect.stringContaining('mode: only'),
  })
})

test('grace whose day is over is warned of, and so is that of a policy where there is none', async () => {
  expect(await warningsOf(withGrace({ until: TOO_LATE }))).toContainEqual(
    expect.objectContaining({
      path: `${PATH}.until`,
      problem: 'is over: it lets nobody in',
      suggestion: 'remove second_factor.grace',
    }),
  )
  const policies = 'policies: [{ name: everyone, grace: false, reply: {} }]'
  expect(await warningsOf(GATEWAY + policies)).toContainEqual(
    expect.objectContaining({ path: 'policies[0].grace', problem: expect.stringMatching(/never applies/) }),
  )
})
