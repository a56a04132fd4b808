import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { quietLog } from '../../src/domain/log.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { type OrderFor, Supervisor } from '../../src/workers/supervisor.ts'
import { temporaryFolder } from '../real/folder.ts'

const WORKERS = 3

interface Taken {
  /** Of the worker. */
  readonly name: string
  readonly left: readonly string[]
}

/** Three real processes, each of which keeps a file of its name for ever. */
function supervised() {
  const place = temporaryFolder('supervisor')
  onTestFinished(place.remove)
  const [folder, ledger] = [place.file('kept'), place.file('ledger')]
  mkdirSync(folder)
  const supervisor = new Supervisor({
    workers: WORKERS,
    entry: new URL('./children/keeper.ts', import.meta.url),
    fdsOf: () => [],
    answer: async () => undefined,
    ended: () => undefined,
    newName: () => systemRandom.id(),
    keptNames: () => readdirSync(folder),
    clock: systemClock,
    log: quietLog,
  })
  onTestFinished(() => supervisor.stop())
  const order: OrderFor = (_, name) => ({ folder, ledger, name })
  const taken = () => {
    const lines = existsSync(ledger) ? readFileSync(ledger, 'utf8').trim().split('\n') : []
    return lines.map((line) => JSON.parse(line) as Taken)
  }
  return { supervisor, order, folder, taken }
}

const said = (about: unknown) => about as { readonly name: string; readonly pid: number }

test('what a worker leaves behind goes to one that lives, and what a living one keeps to nobody', async () => {
  const { supervisor, order, folder, taken } = supervised()
  writeFileSync(`${folder}/of-a-run-before`, '')
  const first = (await supervisor.start(order)).map(said)
  await expect.poll(() => taken().length).toBe(WORKERS)
  expect(taken().flatMap(({ left }) => left)).toEqual(['of-a-run-before'])

  const [victim] = first
  process.kill(victim?.pid ?? expect.unreachable(), 'SIGKILL')
  await expect.poll(() => taken().length, { timeout: 5000 }).toBe(WORKERS + 1)
  // It had taken over what the run before had left.
  expect(taken().at(-1)?.left.toSorted()).toEqual([victim?.name, 'of-a-run-before'].toSorted())

  // Each takes care of what its own predecessor kept, and of nobody's who still serves.
  expect(
    await supervisor.reload(
      (...about) => order(...about),
      () => false,
    ),
  ).toBe(true)
  await expect.poll(() => taken().length).toBe(2 * WORKERS + 1)
  const [, second, third] = first
  const [replaced, ...others] = taken().slice(-WORKERS)
  expect(replaced?.left).toHaveLength(3)
  expect(others.map(({ left }) => left)).toEqual([[second?.name], [third?.name]])
  const names = taken().map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
})

test('a stop that meets the first worker as it begins to serve starts no others', async () => {
  const { supervisor, order, folder } = supervised()
  const started = supervisor.start(order)
  await expect.poll(() => existsSync(`${folder}.begun`), { interval: 1, timeout: 5000 }).toBe(true)
  await supervisor.stop()
  await expect(started).rejects.toThrow('being stopped')
  expect(readdirSync(folder)).toHaveLength(1)
})
