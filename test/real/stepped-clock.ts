import { writeFileSync } from 'node:fs'
import type { TemporaryFolder } from './folder.ts'
import { type Place, thisMachine } from './process.ts'

const ARCHITECTURE = process.arch === 'arm64' ? 'aarch64' : 'x86_64'
/** The library that stands between a program and its clock (Debian: libfaketime). */
export const FAKETIME = `/usr/lib/${ARCHITECTURE}-linux-gnu/faketime/libfaketime.so.1`

export interface SteppedClock {
  /** What is started there has this clock; what is only run has the machine's. */
  readonly place: Place
  /** Sets the wall clock so many milliseconds off the machine's. Monotonic time goes on as it does. */
  step(milliseconds: number): void
}

export function steppedClock(folder: TemporaryFolder, machine: Place = thisMachine): SteppedClock {
  const file = folder.file('clock')
  const step = (milliseconds: number) => {
    const seconds = milliseconds / 1000
    writeFileSync(file, `${seconds < 0 ? '' : '+'}${seconds}`)
  }
  step(0)
  const clock = {
    LD_PRELOAD: FAKETIME,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    NO_FAKE_STAT: '1',
  }
  const start: Place['start'] = (program, args, options) =>
    machine.start(program, args, { ...options, env: { ...options?.env, ...clock } })
  return { place: { ...machine, start }, step }
}
