import { startBareResponder } from './bare-server.ts'
import { baseline, type Case, localBroker, PLAIN } from './case.ts'

const STRANGER_FLOOD = 20_000

/** One broker on its embedded store: what most sites run. */
export const RADIUS_CASES: readonly Case[] = [
  {
    name: 'status',
    about: 'Status-Server: the protocol alone',
    operation: 'status',
    inFlight: 64,
    parts: ['status'],
    prepare: async (around) => ({
      variants: PLAIN,
      subjects: [
        await localBroker(around, 'challenge'),
        ...baseline(around, { mode: 'challenge' }),
        ...(around.compares ? [{ name: 'bare Node responder', start: () => startBareResponder() }] : []),
      ],
    }),
  },
  {
    name: 'accounting',
    about: 'Accounting-Request Start, each of a new session',
    operation: 'accounting',
    inFlight: 64,
    parts: ['start'],
    prepare: async (around) => ({
      variants: PLAIN,
      subjects: [
        await localBroker(around, 'challenge'),
        ...baseline(around, { mode: 'challenge', accounting: 'detail' }, 'text file'),
        ...baseline(around, { mode: 'challenge', accounting: 'sqlite' }, 'SQLite'),
      ],
    }),
  },
  {
    name: 'challenge',
    about: 'a whole login: password, Access-Challenge, code',
    operation: 'challenge',
    inFlight: 32,
    parts: ['login', 'password', 'code'],
    prepare: async (around) => ({
      variants: PLAIN,
      subjects: [
        await localBroker(around, 'challenge'),
        ...baseline(around, { mode: 'challenge' }, 'clear text'),
        ...baseline(around, { mode: 'challenge', passwords: { pbkdf2Ms: around.passwordCheckMs } }, 'PBKDF2'),
      ],
    }),
  },
  {
    name: 'append',
    about: 'a whole login: password and code in one request',
    operation: 'append',
    inFlight: 32,
    parts: ['login'],
    prepare: async (around) => ({
      variants: PLAIN,
      subjects: [
        await localBroker(around, 'append'),
        ...baseline(around, { mode: 'append' }, 'clear text'),
        ...baseline(around, { mode: 'append', passwords: { pbkdf2Ms: around.passwordCheckMs } }, 'PBKDF2'),
      ],
    }),
  },
  {
    name: 'answer',
    about: 'the second half of a login alone: the code that answers a challenge',
    operation: 'answer',
    inFlight: 64,
    parts: ['code'],
    challengesPerSecond: 400,
    prepare: async (around) => ({
      variants: PLAIN,
      subjects: [
        await localBroker(around, 'challenge'),
        ...baseline(around, { mode: 'challenge' }, 'keeps nothing'),
        ...baseline(around, { mode: 'challenge', logins: 'sqlite' }, 'a row in SQLite'),
      ],
    }),
  },
  {
    name: 'code',
    about: 'a whole login with mode: only, the code without a password, so without argon2',
    operation: 'code',
    inFlight: 64,
    parts: ['login'],
    prepare: async (around) => ({
      variants: PLAIN,
      subjects: [
        await localBroker(around, 'only'),
        ...baseline(around, { mode: 'only' }, 'keeps nothing'),
        ...baseline(around, { mode: 'only', logins: 'sqlite' }, 'a row in SQLite'),
      ],
    }),
  },
  {
    name: 'flood',
    about: `honest logins (password and code in one) beside ${STRANGER_FLOOD} packets/s of a stranger`,
    operation: 'append',
    inFlight: 4,
    parts: ['login'],
    prepare: async (around) => ({
      variants: [{ label: 'quiet' }, { label: 'flooded', flood: STRANGER_FLOOD }],
      subjects: [
        await localBroker(around, 'append'),
        ...baseline(around, { mode: 'append', passwords: { pbkdf2Ms: around.passwordCheckMs } }, 'PBKDF2'),
      ],
    }),
  },
]
