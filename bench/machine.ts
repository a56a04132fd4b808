import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { hash } from '@node-rs/argon2'

const MEASURE_MS = 1000
const PAGE = Buffer.alloc(4096, 1)
const HASHES = 30
/** As the broker hashes passwords. */
const ARGON2ID = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** What the figures stand on. */
export interface Machine {
  readonly cores: number
  readonly model: string
  readonly memoryGiB: number
  readonly node: string
  readonly kernel: string
  /** Processes that wanted a core in the last minute, before the bench began: others share the machine. */
  readonly load: number
  /** Writes of 4 KiB that reach the disk in a second, one after another. */
  readonly durableWrites: number
  /** Milliseconds of processor that a password check takes while every core is at work on one. */
  readonly argon2: number
  /** Password checks in a second then: what the machine can do at most. */
  readonly argon2PerSecond: number
}

/** @param scratch a file that is written to, on the disk where the records will be. */
export async function examineMachine(scratch: string): Promise<Machine> {
  return {
    cores: availableParallelism(),
    model: cpus()[0]?.model ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    kernel: release(),
    load: loadavg()[0] ?? 0,
    durableWrites: durableWrites(scratch),
    ...(await argon2OnAllCores()),
  }
}

function durableWrites(file: string): number {
  const descriptor = openSync(file, 'w')
  const startedAt = performance.now()
  let writes = 0
  for (; performance.now() - startedAt < MEASURE_MS; writes += 1) {
    writeSync(descriptor, PAGE, 0, PAGE.length, 0)
    fdatasyncSync(descriptor)
  }
  closeSync(descriptor)
  return Math.round((writes / MEASURE_MS) * 1000)
}

async function argon2OnAllCores(): Promise<Pick<Machine, 'argon2' | 'argon2PerSecond'>> {
  const startedAt = performance.now()
  const before = process.cpuUsage()
  const lanes = Array.from({ length: availableParallelism() }, async () => {
    for (let done = 0; done < HASHES; done += 1) await hash('a password', ARGON2ID)
  })
  await Promise.all(lanes)
  const { user, system } = process.cpuUsage(before)
  const checks = lanes.length * HASHES
  return {
    argon2: (user + system) / 1000 / checks,
    argon2PerSecond: Math.round((checks * 1000) / (performance.now() - startedAt)),
  }
}
