import { randomUUIDv7 } from 'node:crypto'
import { writeSync } from 'node:fs'
import { openSqlite } from '../../../src/store/sqlite/open.ts'
import { admission, enrolmentOf, unique } from '../samples.ts'

/**
 * Enrols and logs in without an end, many at once, and says on standard output what was acknowledged, a line each:
 * `enrolled SUBJECT` and `admitted SUBJECT STEP SESSION EVENT`. Somebody else ends it.
 */
const LANES = 32

async function lane(store: Awaited<ReturnType<typeof openSqlite>>): Promise<never> {
  for (;;) {
    const subject = unique('user')
    const enrolment = enrolmentOf(subject)
    await store.records.enrolments.replace({ enrolment, recoveryHashes: ['a', 'b'] })
    say(`enrolled ${subject}`)
    for (let step = 1; step <= 5; step++) {
      const codeUse = { kind: 'totp', enrolment: enrolment.id, step, driftMs: 0 } as const
      const entry = admission(subject, codeUse, { session: { id: randomUUIDv7() } })
      const answer = await store.records.login.admit(entry)
      if (answer.kind !== 'admitted') throw new Error(`${subject}: ${answer.kind}`)
      say(`admitted ${subject} ${step} ${entry.session.id} ${entry.event.id}`)
    }
  }
}

/** At once and whole: what is in the pipe has left this process, whatever happens to it. */
function say(line: string): void {
  writeSync(1, `${line}\n`)
}

const [path = ''] = process.argv.slice(2)
const store = await openSqlite({ path })
await Promise.all(Array.from({ length: LANES }, () => lane(store)))
