import { expect, test } from 'vitest'
import { ok } from '../../src/doctor/finding.ts'
import { runChecks } from '../../src/doctor/run-checks.ts'

const checks = {
  sound: async () => [ok('sound', 'is right')],
  hanging: () => new Promise<never>(() => undefined),
  failing: () => Promise.reject(new Error('no such program')),
}

test('a check that hangs or fails keeps no other back', async () => {
  expect(await runChecks(checks, 20)).toMatchObject([
    { id: 'sound', verdict: 'ok' },
    { id: 'hanging', verdict: 'hint', cause: 'was not looked at within 20 ms' },
    { id: 'failing', verdict: 'warning', cause: 'could not be looked at: no such program' },
  ])
})

test('those that are named run alone, and a name of none is an error', async () => {
  expect(await runChecks(checks, 20, ['sound'])).toMatchObject([{ id: 'sound' }])
  await expect(runChecks(checks, 20, ['soun'])).rejects.toThrow('there is failing, hanging, sound')
})
