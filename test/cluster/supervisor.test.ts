import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { type StartOptionsOf, Supervisor } from '../../src/cluster/supervisor.ts'
import { systemClock } from '../../src/domain/clock.ts'
import { quietLog } from '../../src/domain/log.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { temporaryFolder } from '../real/folder.ts'

const WORKERS = 3

interface Adopted {
  /** Of the worker. */
  readonly name: string
  readonly left: readonly string[]
}

interface Status {
  readonly name: string
  readonly pid: number
}

/** Three real processes, each of which keeps a file of its name. */
function supervised() {
  const place = temporaryFolder('supervisor')
  onTestFinished(place.remove)
  const [folder, ledger] = [place.file('kept'), place.file('ledger')]
  mkdirSync(folder)
  const supervisor = new Supervisor({
    workers: WORKERS,
    entry: new URL('./children/keeper.ts', import.meta.url),
    fdsOf: async () => [],
    handle: async () => undefined,
    ended: () => undefined,
    newName: () => systemRandom.id(),
    keptNames: () => readdirSync(folder),
    clock: systemClock,
    log: quietLog,
  })
  onTestFinished(() => supervisor.stop())
  const optionsWith =
    (setting: string): StartOptionsOf =>
    (_, name) => ({ folder, ledger, name, setting })
  const adopted = () => {
    const lines = existsSync(ledger) ? readFileSync(ledger, 'utf8').trim().split('\n') : []
    return lines.map((line) => JSON.parse(line) as Adopted)
  }
  const start = async () => (await supervisor.start(optionsWith('first'))) as readonly Status[]
  const reload = (setting: string) => supervisor.reload(setting, optionsWith(setting), () => undefined)
  const settings = () => supervisor.askAll('setting')
  return { supervisor, start, reload, settings, folder, adopted }
}

const all = (setting: string) => Array.from({ length: WORKERS }, () => setting)

test('what a dead worker leaves goes to a living one, and what a living one keeps goes to no other', async () => {
  const { start, folder, adopted } = supervised()
  writeFileSync(`${folder}/of-a-run-before`, '')
  const [victim] = await start()
  await expect.poll(() => adopted().length).toBe(WORKERS)
  expect(adopted().flatMap(({ left }) => left)).toEqual(['of-a-run-before'])

  process.kill(victim?.pid ?? expect.unreachable(), 'SIGKILL')
  await expect.poll(() => adopted().length, { timeout: 5000 }).toBe(WORKERS + 1)
  // It had taken over what the run before had left.
  expect(adopted().at(-1)?.left.toSorted()).toEqual([victim?.name, 'of-a-run-before'].toSorted())
  const names = adopted().map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
})

test('a stop while the first worker begins to serve starts no others', async () => {
  const { supervisor, start, folder } = supervised()
  const started = start()
  await expect.poll(() => existsSync(`${folder}.begun`), { interval: 1, timeout: 5000 }).toBe(true)
  await supervisor.stop()
  await expect(started).rejects.toThrow()
  expect(readdirSync(folder)).toHaveLength(1)
})

test('a reload reaches every worker in place', async () => {
  const { start, reload, settings, supervisor } = supervised()
  await start()
  await reload('second')
  expect(await settings()).toEqual(all('second'))
  expect(supervisor.restarts).toBe(0)
})

test('a configuration that one worker refuses is taken by none', async () => {
  const { start, reload, settings } = supervised()
  const [, last] = await start()
  await expect(reload(`refused by ${last?.name}`)).rejects.toThrow(`refused by ${last?.name}`)
  expect(await settings()).toEqual(all('first'))
})

test('if a worker is killed while it prepares, no worker takes the configuration, and its replacement serves by the old one', async () => {
  const { start, reload, settings } = supervised()
  const [, victim] = await start()
  await expect(reload(`kills ${victim?.name}`)).rejects.toThrow('it is gone')
  await expect.poll(settings, { timeout: 5000 }).toEqual(all('first'))
})

test('if a worker is killed after it has prepared, its replacement starts with the new configuration', async () => {
  const { start, reload, settings } = supervised()
  const [, victim] = await start()
  const setting = `kills ${victim?.name} late`
  await reload(setting)
  await expect.poll(settings, { timeout: 5000 }).toEqual(all(setting))
})
