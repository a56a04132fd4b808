import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { type Check, type Finding, notApplicable, ok, warning } from './finding.ts'

const run = promisify(execFile)
const TIMEOUT_MS = 3000
const MAX_OFF_SECONDS = 1
const LEAP_STATUS = 13
const SYSTEM_TIME = 4

/** Where it is told whether the clock is synchronised. */
export interface ClockSources {
  readonly chronyc: string
  readonly timedatectl: string
  /** A file that systemd-timesyncd makes with its first answer. */
  readonly timesyncd: string
}

const SOURCES: ClockSources = {
  chronyc: 'chronyc',
  timedatectl: 'timedatectl',
  timesyncd: '/run/systemd/timesync/synchronized',
}

/** Whether the machine's clock is synchronised: codes change every half minute. */
export function checkClock(sources: ClockSources = SOURCES): Check {
  return async () => {
    // chrony may correct the clock without telling the kernel, which timedatectl asks.
    const found = (await byChrony(sources.chronyc)) ?? (await bySystemd(sources))
    return [
      found ?? notApplicable('clock', 'neither chronyc nor timedatectl tells whether it is synchronised'),
    ]
  }
}

/** Undefined where no chronyd runs. */
async function byChrony(program: string): Promise<Finding | undefined> {
  const line = await outputOf(program, ['-n', '-c', 'tracking'])
  const fields = line?.split(',') ?? []
  const status = fields[LEAP_STATUS]
  if (status === undefined) return undefined
  if (status === 'Not synchronised')
    return warning('clock', 'is not synchronised: chrony reaches no server', 'look at: chronyc sources')
  const off = Math.abs(Number(fields[SYSTEM_TIME]))
  if (off > MAX_OFF_SECONDS)
    return warning('clock', `is ${off.toFixed(1)} s off, and chrony corrects it slowly`, 'chronyc makestep')
  return ok('clock', 'is synchronised by chrony')
}

async function bySystemd({ timedatectl, timesyncd }: ClockSources): Promise<Finding | undefined> {
  const answer = await outputOf(timedatectl, ['show', '--property=NTPSynchronized', '--value'])
  if (answer === undefined) return existsSync(timesyncd) ? ok('clock', 'was synchronised') : undefined
  if (answer === 'yes') return ok('clock', 'is synchronised')
  return warning(
    'clock',
    'is not synchronised',
    'run: timedatectl set-ntp true; a clock that is a minute off refuses every code',
  )
}

async function outputOf(program: string, args: readonly string[]): Promise<string | undefined> {
  try {
    return (await run(program, args, { timeout: TIMEOUT_MS })).stdout.trim()
  } catch {
    return undefined
  }
}
