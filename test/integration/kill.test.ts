import { EventEmitter, once } from 'node:events'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateSync } from 'otplib'
import { expect, onTestFinished, test } from 'vitest'
import { loadKeyRing } from '../../src/config/key-file.ts'
import { recoveryCodeHash } from '../../src/domain/enrolment.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { seedAsBase32 } from '../../src/domain/totp.ts'
import { type Installation, install } from '../real/broker.ts'
import { addPeople, type TestPerson } from '../real/people.ts'
import { ask, loginRequest } from '../real/radius-socket.ts'

/** Brokers side by side, each with an installation of its own, and how often each is killed. */
const BROKERS = 3
const KILLS = 17
const PASSWORD = 'correct horse'
const LOGINS_AT_ONCE = 3
const GUESSES_AT_ONCE = 2
const MAX_ANSWERS = 20
/** More than can log in before that many answers. */
const PEOPLE_A_ROUND = 40

/** What users and operators got as an answer; the records must hold it. */
interface Acknowledged {
  /** Users who were let in, by what they typed. */
  readonly accepted: Map<string, string>
  /** The user of each address. */
  readonly leased: Map<string, string>
  /** Users whose failed login was answered; that failure locked them. */
  readonly locked: Set<string>
  readonly enrolled: Map<string, { readonly key: string; readonly recoveryCodes: readonly string[] }>
}

test(`everything that was acknowledged is there after SIGKILL, ${BROKERS * KILLS} times`, {
  timeout: 300_000,
}, async () => {
  const totals = await Promise.all(Array.from({ length: BROKERS }, survives))
  // Otherwise nothing was shown.
  for (const kind of ['accepted', 'locked', 'enrolled'] as const) {
    expect(
      totals.reduce((sum, total) => sum + total[kind].size, 0),
      kind,
    ).toBeGreaterThan((BROKERS * KILLS) / 3)
  }
})

async function survives(): Promise<Acknowledged> {
  const installation = await install({
    sections: {
      second_factor: { mode: 'append' },
      // One failure locks, so that every answered failure has announced a lockout.
      lockout: { after: 1, user_after: 9999, address_after: 9999, hard_after: 9999 },
      limits: { user: '100000/1s', address: '100000/1s', gateway: '100000/1s' },
      pools: { staff: { ipv4: '10.8.0.0/21' } },
      policies: [{ name: 'staff', reply: { pool: 'staff' } }],
    },
  })
  onTestFinished(installation.remove)
  const named = (prefix: string, count: number) =>
    Array.from({ length: count }, (_, number) => `${prefix}${number}`)
  const people = await addPeople(
    installation,
    named('user', KILLS * PEOPLE_A_ROUND).map((name) => ({ name, password: PASSWORD })),
  )
  await addPeople(
    installation,
    named('newcomer', KILLS).map((name) => ({ name, password: PASSWORD, enrolled: false })),
  )
  const all: Acknowledged = { accepted: new Map(), leased: new Map(), locked: new Set(), enrolled: new Map() }
  let latest: ReadonlyMap<string, string> = new Map()
  for (let kill = 0; kill < KILLS; kill++) {
    const enrolling = sleep(Math.random() * 1000).then(() =>
      installation.start(['totp', 'enrol', `newcomer${kill}`, '--json']),
    )
    const broker = await installation.serve()
    await replayed(installation, latest)

    const crowd = people.slice(kill * PEOPLE_A_ROUND, (kill + 1) * PEOPLE_A_ROUND)
    const { accepted, leased, locked, answered, stop } = load(installation, crowd, kill)
    await answered(Math.random() * MAX_ANSWERS)
    // Half of the commands are killed with the broker, wherever they are by then.
    const enrolment = await enrolling
    if (Math.random() < 0.5) enrolment.signal('SIGKILL')
    await broker.kill()
    await stop()
    const { stdout } = await enrolment.finished
    if (stdout.endsWith('}\n')) all.enrolled.set(`newcomer${kill}`, JSON.parse(stdout))
    for (const [user, typed] of accepted) all.accepted.set(user, typed)
    for (const [address, user] of leased) {
      expect(all.leased.has(address), `${address} given once more, to ${user}`).toBe(false)
      all.leased.set(address, user)
    }
    for (const user of locked) all.locked.add(user)
    latest = accepted
    await expectKept(installation, all)
  }
  return all
}

/** Users log in and strangers guess, until the broker is gone. */
function load({ authPort, secret }: Installation, crowd: readonly TestPerson[], round: number) {
  const accepted = new Map<string, string>()
  const leased = new Map<string, string>()
  const locked = new Set<string>()
  const until = new AbortController()
  const news = new EventEmitter()
  let answers = 0
  const attempt = async (user: string, password: string) => {
    const reply = await ask(authPort, loginRequest({ secret, user, password }), { until: until.signal })
    if (reply !== undefined) answers++
    news.emit('answer')
    return reply
  }
  const answered = async (count: number) => {
    while (answers < count) await once(news, 'answer')
  }
  const queue = crowd.values()
  const logins = async () => {
    for (const { name, key } of queue) {
      const typed = PASSWORD + generateSync({ secret: key })
      const reply = await attempt(name, typed)
      if (reply?.code === 'Access-Accept') {
        accepted.set(name, typed)
        leased.set(reply.ipv4 ?? 'no address', name)
      }
      if (until.signal.aborted) return
    }
  }
  let stranger = 0
  const guesses = async () => {
    while (!until.signal.aborted) {
      const name = `stranger-${round}-${stranger++}`
      if ((await attempt(name, 'a guess'))?.code === 'Access-Reject') locked.add(name)
    }
  }
  const working = [
    ...Array.from({ length: LOGINS_AT_ONCE }, logins),
    ...Array.from({ length: GUESSES_AT_ONCE }, guesses),
  ]
  const stop = async () => {
    until.abort()
    await Promise.all(working)
  }
  onTestFinished(stop)
  return { accepted, leased, locked, answered, stop }
}

/** The codes of the logins before the kill, again: each was spent. */
async function replayed(
  { authPort, secret }: Installation,
  accepted: ReadonlyMap<string, string>,
): Promise<void> {
  const replies = await Promise.all(
    Array.from(accepted, ([user, password]) => ask(authPort, loginRequest({ secret, user, password }))),
  )
  for (const reply of replies) {
    expect(reply).toMatchObject({
      code: 'Access-Reject',
      message: 'This code was used before. Wait for the next code and log in again.',
    })
  }
}

async function expectKept({ database, keyFile }: Installation, acknowledged: Acknowledged): Promise<void> {
  const keys = await loadKeyRing(keyFile, systemRandom)
  const db = new DatabaseSync(database)
  const column = (sql: string): string[] =>
    db
      .prepare(sql)
      .all()
      .map((row) => String(Object.values(row)[0]))
  try {
    expect(column('pragma integrity_check')).toEqual(['ok'])
    const sessions = column('select user_name from sessions')
    expect(sessions).toEqual(expect.arrayContaining([...acknowledged.accepted.keys()]))
    // An accepted login is one transaction, the unacknowledged ones too: a session, an event and a spent step, or none.
    expect(sessions.sort()).toEqual(
      column("select user_name from audit_events where kind = 'login.accepted'").sort(),
    )
    expect(sessions).toEqual(
      column('select subject from enrolments where last_step > 0 order by subject').sort(),
    )
    const leases = column("select address || ' ' || subject from leases where session is not null")
    expect(leases).toEqual(
      expect.arrayContaining(Array.from(acknowledged.leased, ([address, user]) => `${address} ${user}`)),
    )
    expect(leases).toHaveLength(sessions.length)
    expect(column('select user_stem from lockouts')).toEqual(expect.arrayContaining([...acknowledged.locked]))
    for (const [subject, { key, recoveryCodes }] of acknowledged.enrolled) {
      const [sealed = ''] = column(`select sealed_seed from enrolments where subject = '${subject}'`)
      expect(seedAsBase32(keys.open(sealed, subject))).toBe(key)
      expect(column(`select hash from recovery_codes where subject = '${subject}' order by hash`)).toEqual(
        recoveryCodes.map((code) => recoveryCodeHash(subject, code)).sort(),
      )
    }
  } finally {
    db.close()
  }
}
