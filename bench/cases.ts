import type { TemporaryFolder } from '../test/real/folder.ts'
import { startBareResponder } from './bare-server.ts'
import { startBroker } from './broker-server.ts'
import { type FreeradiusOptions, startFreeradius } from './freeradius-server.ts'
import type { Operation } from './orders.ts'
import type { CodeMode, Server } from './server.ts'

/** Somebody who runs in a case. The first of a case is the broker; the others are what it is compared with. */
export interface Contestant {
  readonly name: string
  readonly start: () => Promise<Server>
}

/** One way to run a case; most have a single one. */
export interface Variant {
  readonly label: string
  /** Packets per second from an address that is no gateway, beside the load. */
  readonly flood?: number
}

export interface Case {
  readonly name: string
  readonly about: string
  readonly operation: Operation
  /** Clients of the closed loop. */
  readonly inFlight: number
  /** Parts of the operation whose latencies are shown; the first stands for the whole. */
  readonly parts: readonly [string, ...string[]]
  readonly variants: readonly Variant[]
  /** Challenges that are collected before each round, for a second of its length. */
  readonly challengesPerSecond?: number
  readonly contestants: (surroundings: Surroundings) => readonly Contestant[]
}

export interface Surroundings {
  /** Holds the broker's store, filled, for all cases. */
  readonly folder: TemporaryFolder
  readonly users: number
  /** How long a password check of the broker takes, which those of a fair rival take too, in milliseconds. */
  readonly passwordCheckMs: number
  readonly profiles?: string
  /** Absent: FreeRADIUS is not installed, or was not asked for. */
  readonly freeradius?: string
  /** Whether the bare responder runs too. */
  readonly bare: boolean
}

const PLAIN: readonly Variant[] = [{ label: '' }]
const STRANGER_FLOOD = 20_000

export const CASES: readonly Case[] = [
  {
    name: 'status',
    about: 'Status-Server: the protocol alone',
    operation: 'status',
    inFlight: 64,
    parts: ['status'],
    variants: PLAIN,
    contestants: (around) => [
      broker(around, 'challenge'),
      ...rival(around, { mode: 'challenge' }),
      ...(around.bare ? [{ name: 'bare Node responder', start: startBareResponder }] : []),
    ],
  },
  {
    name: 'accounting',
    about: 'Accounting-Request Start, each of a new session',
    operation: 'accounting',
    inFlight: 64,
    parts: ['start'],
    variants: PLAIN,
    contestants: (around) => [
      broker(around, 'challenge'),
      ...rival(around, { mode: 'challenge', accounting: 'detail' }, 'text file'),
      ...rival(around, { mode: 'challenge', accounting: 'sqlite' }, 'SQLite'),
    ],
  },
  {
    name: 'challenge',
    about: 'a whole login: password, Access-Challenge, code',
    operation: 'challenge',
    inFlight: 32,
    parts: ['login', 'password', 'code'],
    variants: PLAIN,
    contestants: (around) => [
      broker(around, 'challenge'),
      ...rival(around, { mode: 'challenge', passwords: 'clear text' }, 'clear text'),
      ...rival(around, { mode: 'challenge', passwords: { pbkdf2Ms: around.passwordCheckMs } }, 'PBKDF2'),
    ],
  },
  {
    name: 'append',
    about: 'a whole login: password and code in one request',
    operation: 'append',
    inFlight: 32,
    parts: ['login'],
    variants: PLAIN,
    contestants: (around) => [
      broker(around, 'append'),
      ...rival(around, { mode: 'append', passwords: 'clear text' }, 'clear text'),
      ...rival(around, { mode: 'append', passwords: { pbkdf2Ms: around.passwordCheckMs } }, 'PBKDF2'),
    ],
  },
  {
    name: 'answer',
    about: 'the second half of a login alone: the code that answers a challenge',
    operation: 'answer',
    inFlight: 64,
    parts: ['code'],
    variants: PLAIN,
    challengesPerSecond: 400,
    contestants: (around) => [broker(around, 'challenge'), ...rival(around, { mode: 'challenge' })],
  },
  {
    name: 'code',
    about: 'a whole login with mode: only, the code without a password, so without argon2',
    operation: 'code',
    inFlight: 64,
    parts: ['login'],
    variants: PLAIN,
    contestants: (around) => [broker(around, 'only'), ...rival(around, { mode: 'only' })],
  },
  {
    name: 'flood',
    about: `honest logins (password and code in one) beside ${STRANGER_FLOOD} packets/s of a stranger`,
    operation: 'append',
    inFlight: 4,
    parts: ['login'],
    variants: [{ label: 'quiet' }, { label: 'flooded', flood: STRANGER_FLOOD }],
    contestants: (around) => [
      broker(around, 'append'),
      ...rival(around, { mode: 'append', passwords: { pbkdf2Ms: around.passwordCheckMs } }, 'PBKDF2'),
    ],
  },
]

function broker({ folder, profiles }: Surroundings, mode: CodeMode): Contestant {
  return { name: 'ocbroker', start: () => startBroker({ folder, mode, profiles }) }
}

function rival(
  { freeradius, users }: Surroundings,
  options: Partial<FreeradiusOptions> & Pick<FreeradiusOptions, 'mode'>,
  distinction?: string,
): readonly Contestant[] {
  if (freeradius === undefined) return []
  const name = `FreeRADIUS ${freeradius}${distinction === undefined ? '' : `, ${distinction}`}`
  const start = () => startFreeradius({ passwords: 'clear text', accounting: 'detail', ...options, users })
  return [{ name, start }]
}
