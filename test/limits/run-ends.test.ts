import { readdirSync, writeFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { Unavailable } from '../../src/domain/person.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { Owed } from '../../src/limits/owed.ts'
import { Run } from '../../src/limits/run.ts'
import { tellOfEndedRuns } from '../../src/limits/run-ends.ts'
import { temporaryFolder } from '../real/folder.ts'
import { recordedLog } from './connected.ts'

/** Starts of one broker, over a shared tally that can be away. */
function starts() {
  const folder = temporaryFolder('runs')
  onTestFinished(folder.remove)
  const shared = { isAway: false, told: [] as string[] }
  const log = recordedLog()
  const start = async (place = folder.path) => {
    const run = new Run(systemRandom)
    const owed = new Owed({ forMs: 60_000, clock: systemClock, retryMs: 5 })
    onTestFinished(() => owed.close())
    const end = async (runs: readonly string[]) => {
      if (shared.isAway) throw new Unavailable('redis', 'not connected')
      shared.told.push(...runs)
    }
    const stop = await tellOfEndedRuns({ folder: place, run, shared: { end }, owed, clock: systemClock, log })
    return { run, owed, stop }
  }
  return { folder, shared, log, start }
}

test('a start tells of the runs before it that left something, and of no other', async () => {
  const { folder, shared, log, start } = starts()
  const [tidy, untidy, alive] = [await start(), await start(), await start()]
  tidy.stop()
  untidy.owed.add(() => Promise.reject(new Error('away')), 0)
  untidy.stop()
  const next = await start()
  expect(shared.told).toEqual([untidy.run.name])
  expect(log.events).toEqual(['limits.runs_ended'])
  alive.stop()
  next.stop()
  expect(readdirSync(folder.path)).toEqual([])
})

test('where nobody can be told now, the run is remembered until somebody is', async () => {
  const { folder, shared, start } = starts()
  const killed = await start()
  killed.owed.add(() => Promise.reject(new Error('away')), 0)
  killed.stop()
  shared.isAway = true
  const next = await start()
  expect(readdirSync(folder.path)).toHaveLength(2)
  shared.isAway = false
  await expect.poll(() => next.owed.isEmpty).toBe(true)
  expect(shared.told).toEqual([killed.run.name])
  expect(readdirSync(folder.path)).toEqual([`run.${next.run.name}`])
  next.stop()
})

test('a folder that cannot be used keeps no broker from its start', async () => {
  const { folder, log, start } = starts()
  writeFileSync(folder.file('no-folder'), '')
  const { stop } = await start(folder.file('no-folder'))
  expect(log.events).toEqual(['limits.runs_unknown'])
  stop()
})
