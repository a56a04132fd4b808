import { readdirSync, writeFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { announceEndedProcesses } from '../../src/cluster/ended-processes.ts'
import { systemClock } from '../../src/domain/clock.ts'
import { Unavailable } from '../../src/domain/errors.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { ProcessId } from '../../src/limits/process-id.ts'
import { RetryQueue } from '../../src/redis/retry-queue.ts'
import { temporaryFolder } from '../real/folder.ts'
import { recordedLog } from '../redis/connected.ts'

/** Starts of one broker, over a shared counter that can be away. */
function starts() {
  const folder = temporaryFolder('runs')
  onTestFinished(folder.remove)
  const shared = { isAway: false, reported: [] as string[] }
  const log = recordedLog()
  const start = async (place = folder.path) => {
    const run = new ProcessId(systemRandom)
    const retries = new RetryQueue({ maxAgeMs: 60_000, clock: systemClock, intervalMs: 5 })
    onTestFinished(() => retries.close())
    const end = async (runs: readonly string[]) => {
      if (shared.isAway) throw new Unavailable('redis', 'not connected')
      shared.reported.push(...runs)
    }
    const stop = await announceEndedProcesses({
      folder: place,
      run,
      shared: { endProcesses: end },
      retries,
      clock: systemClock,
      log,
    })
    return { run, retries, stop }
  }
  return { folder, shared, log, start }
}

test('a start reports the runs before it that left something, and no other', async () => {
  const { folder, shared, log, start } = starts()
  const [tidy, untidy, alive] = [await start(), await start(), await start()]
  tidy.stop()
  untidy.retries.add(() => Promise.reject(new Error('away')), 0)
  untidy.stop()
  const next = await start()
  expect(shared.reported).toEqual([untidy.run.name])
  expect(log.events).toEqual(['limits.runs_ended'])
  alive.stop()
  next.stop()
  expect(readdirSync(folder.path)).toEqual([])
})

test('while nobody can be told, the run is remembered', async () => {
  const { folder, shared, start } = starts()
  const killed = await start()
  killed.retries.add(() => Promise.reject(new Error('away')), 0)
  killed.stop()
  shared.isAway = true
  const next = await start()
  expect(readdirSync(folder.path)).toHaveLength(2)
  shared.isAway = false
  await expect.poll(() => next.retries.isEmpty).toBe(true)
  expect(shared.reported).toEqual([killed.run.name])
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
