import { afterAll, expect, onTestFinished, test } from 'vitest'
import type { SinkTurn } from '../../src/domain/audit-sink.ts'
import { systemClock } from '../../src/domain/clock.ts'
import { Delivery } from '../../src/observe/sinks/delivery.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { eventOf, unique } from '../store/samples.ts'

const opened = openSqlite({ path: ':memory:' })
afterAll(async () => (await opened).close())

async function delivering(isTaken: () => boolean = () => false) {
  const { audit, sinks } = (await opened).records
  const [name, received, logged] = [unique('sink'), [] as string[], [] as string[]]
  const told = { lag: -1, failed: 0, fault: undefined as string | undefined }
  const log = (event: string) => void logged.push(event)
  const options = {
    ...{ audit, clock: systemClock, holder: 'one', everyMs: 5 },
    log: { debug: log, info: log, warn: log, error: log },
    sinks: { ...sinks, take: async (turn: SinkTurn) => (isTaken() ? undefined : sinks.take(turn)) },
    metrics: {
      sinkLag(_: string, seconds: number) {
        told.lag = seconds
      },
      sinkDelivered() {},
      sinkFailed() {
        told.failed += 1
      },
      sinkDropped() {},
    },
    sink: {
      name,
      batch: 2,
      async send(events: readonly { readonly id: string }[]) {
        if (told.fault !== undefined) throw new Error(told.fault)
        received.push(...events.map(({ id }) => id))
      },
    },
  }
  const start = () => {
    const delivery = Delivery.start(options)
    onTestFinished(() => delivery.stop())
    return delivery
  }
  const state = async () => (await sinks.list()).find((sink) => sink.name === name)
  const write = async (count: number) => {
    const events = Array.from({ length: count }, () => eventOf(unique('user')))
    for (const event of events) await audit.append(event)
    return events.map(({ id }) => id)
  }
  return { start, state, write, received, logged, told }
}

test('a sink gets each event once and in order, batch by batch, also after a restart', async () => {
  const { start, state, write, received } = await delivering()
  const first = start()
  await expect.poll(state).toBeDefined()
  const ids = await write(7)
  await expect.poll(() => received).toEqual(ids)
  await first.stop()
  const more = await write(3)
  start()
  await expect.poll(() => received).toEqual([...ids, ...more])
})

test('a sink that fails gets the same events again, and its fault is told until then', async () => {
  const { start, state, write, received, logged, told } = await delivering()
  told.fault = 'the receiver is away'
  start()
  await expect.poll(state).toBeDefined()
  const ids = await write(5)
  await expect.poll(() => told.failed).toBeGreaterThan(2)
  expect(await state()).toMatchObject({ fault: 'the receiver is away' })
  expect(told.lag).toBeGreaterThan(0)
  told.fault = undefined
  await expect.poll(() => received).toEqual(ids)
  await expect.poll(async () => (await state())?.fault).toBeUndefined()
  expect(logged).toEqual(['audit.sink_fails', 'audit.sink_delivers'])
})

test('a broker that has not the turn sends nothing, and tells of no lag', async () => {
  let isTaken = true
  const { start, state, write, received, told } = await delivering(() => isTaken)
  start()
  await expect.poll(() => told.lag).toBe(0)
  await write(2)
  isTaken = false
  await expect.poll(state).toBeDefined()
  const ids = await write(2)
  await expect.poll(() => received).toEqual(ids)
})
