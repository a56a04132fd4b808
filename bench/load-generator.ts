import { messageOf } from '../src/domain/errors.ts'
import { CodeSchedule, OutOfCodes } from './code-schedule.ts'
import type { Broken, FloodOrder, LoadOrder, Order, Report } from './commands.ts'
import { flood } from './flood.ts'
import { Gateway } from './gateway.ts'
import { Latencies } from './latencies.ts'
import { type Challenged, NothingLeft, OPERATIONS } from './operations.ts'

/** What is remembered between two commands, by the target and its users: spent codes, and challenges that wait. */
const schedules = new Map<string, CodeSchedule>()
const challenged = new Map<string, Challenged[]>()

type Outcome = Omit<Report, 'kind' | 'processor'>

async function obey(order: Order): Promise<Report> {
  const before = process.cpuUsage()
  const outcome = await (order.kind === 'load' ? load(order) : sendFlood(order))
  const { user, system } = process.cpuUsage(before)
  return { kind: 'report', ...outcome, processor: (user + system) / 1000 }
}

/** Clients that send their next request when they have their answer. */
async function load(order: LoadOrder): Promise<Outcome> {
  const { target } = order
  const operation = OPERATIONS[order.operation]
  const gateway = await Gateway.open(target)
  const latencies = new Map<string, Latencies>()
  const failures: Record<string, number> = {}
  const counts = { started: 0, inTime: 0, completed: 0, lastAt: 0 }
  let outOfCodes = false
  const scene = {
    gateway,
    schedule: remembered(schedules, `${target.name} ${order.users.to}`, () => {
      return new CodeSchedule(order.users, target.spendsCodes)
    }),
    challenged: remembered(challenged, target.name, () => []),
    note(part: string, milliseconds: number) {
      remembered(latencies, part, () => new Latencies()).add(milliseconds)
    },
  }
  const begunAt = performance.now()
  const end = begunAt + order.milliseconds

  async function client(): Promise<void> {
    while (performance.now() < end && counts.started < (order.atMost ?? Number.POSITIVE_INFINITY)) {
      counts.started += 1
      try {
        await operation(scene)
      } catch (error) {
        if (error instanceof NothingLeft) return
        if (error instanceof OutOfCodes) {
          outOfCodes = true
          return
        }
        const reason = messageOf(error)
        failures[reason] = (failures[reason] ?? 0) + 1
        continue
      }
      counts.completed += 1
      const now = performance.now()
      if (now > end) return
      counts.inTime += 1
      counts.lastAt = now
    }
  }
  await Promise.all(Array.from({ length: order.inFlight }, client))
  await gateway.close()
  return {
    inTime: counts.inTime,
    // An order that ended early is judged by the time that it needed.
    milliseconds: performance.now() < end ? counts.lastAt - begunAt : order.milliseconds,
    completed: counts.completed,
    latencies: Object.fromEntries([...latencies].map(([part, each]) => [part, each.toJSON()])),
    retransmits: gateway.retransmits,
    failures,
    outOfCodes,
  }
}

async function sendFlood(order: FloodOrder): Promise<Outcome> {
  const sent = await flood(order)
  return {
    inTime: sent,
    milliseconds: order.milliseconds,
    completed: sent,
    latencies: {},
    retransmits: 0,
    failures: {},
    outOfCodes: false,
  }
}

function remembered<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}

function send(message: Report | Broken): void {
  process.send?.(message)
}

process.on('message', (order: Order) => {
  obey(order).then(send, (error: unknown) => {
    send({ kind: 'broken', message: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  })
})
