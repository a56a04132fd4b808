import { expect, test } from 'vitest'
import { configOf, faultOf, faultsOf, GATEWAY, warningsOf } from './loading.ts'

function withQuota(quota: unknown, more: object = { reply: {} }): string {
  return `${GATEWAY}policies: [${JSON.stringify({ name: 'staff', quota, ...more })}]`
}

test('a quota is an amount of traffic or time in a period', async () => {
  const config = await configOf(
    withQuota([
      { traffic: '50GB', per: 'month' },
      { traffic: '512MiB', direction: 'down', per: '30d', of: 'group' },
      { time: '40h', per: 'week' },
    ]),
  )
  expect(config.policies[0]?.quotas).toEqual([
    { measure: 'both', most: 50e9, per: 'month', of: 'user' },
    { measure: 'down', most: 536_870_912, per: '30d', of: 'group' },
    { measure: 'time', most: 144_000, per: 'week', of: 'user' },
  ])
  expect((await configOf(GATEWAY)).accounting).toEqual({ timeZone: 'UTC' })
})

test('a quota that means nothing is named', async () => {
  for (const [quota, path, problem] of [
    [[{ traffic: '0GB', per: 'day' }], 'policies[0].quota[0].traffic', '0GB is nothing'],
    [[{ traffic: 50, per: 'day' }], 'policies[0].quota[0].traffic', '50 has no unit'],
    [[{ traffic: 'much', per: 'day' }], 'policies[0].quota[0].traffic', '"much" is not a size'],
    [[{ time: '0s', per: 'day' }], 'policies[0].quota[0].time', '0s is too short'],
    [[{ per: 'day' }], 'policies[0].quota[0]', 'has neither traffic nor time'],
    [[{ traffic: '1GB', time: '1h', per: 'day' }], 'policies[0].quota[0]', 'has traffic and time'],
    [[{ time: '1h', direction: 'up', per: 'day' }], 'policies[0].quota[0].direction', 'is for traffic'],
    [
      [
        { time: '1h', per: 'day' },
        { time: '2h', per: 'day' },
      ],
      'policies[0].quota[1]',
      'is for the same as a quota before it',
    ],
  ] as const)
    expect(await faultOf(withQuota(quota))).toMatchObject({ path, problem })
  expect((await faultsOf(withQuota([{ traffic: '1GB', per: 'year' }]))).map(({ path }) => path)).toEqual([
    'policies[0].quota[0].per',
  ])
  expect(await faultOf(withQuota([{ time: '1h', per: 'day' }], { deny: true }))).toMatchObject({
    path: 'policies[0].quota',
    problem: 'is for a policy that lets nobody in',
  })
})

test('a quota without reports is named', async () => {
  const reply = (interim: string) => withQuota([{ traffic: '1GB', per: 'day' }], { reply: { interim } })
  expect(await faultOf(reply('0s'))).toMatchObject({ path: 'policies[0].reply.interim' })
  expect((await warningsOf(reply('6h'))).map(({ path }) => path)).toContain('policies[0].quota')
})

test('an unknown time zone is named', async () => {
  expect((await configOf(`${GATEWAY}accounting: { time_zone: Europe/Berlin }`)).accounting).toEqual({
    timeZone: 'Europe/Berlin',
  })
  expect(await faultOf(`${GATEWAY}accounting: { time_zone: Europe/Berlim }`)).toMatchObject({
    path: 'accounting.time_zone',
    suggestion: expect.stringContaining('Europe/Berlin'),
  })
})
