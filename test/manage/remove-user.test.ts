import { describe, expect, onTestFinished, test } from 'vitest'
import type { AuditEvent } from '../../src/domain/audit.ts'
import { Unavailable } from '../../src/domain/errors.ts'
import type { Candidate, IdentityProvider, LookupAnswer } from '../../src/domain/identity-provider.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { PasswordHashes } from '../../src/identity/local/password-hashes.ts'
import { localIdentity } from '../../src/identity/local/provider.ts'
import { namesakesOf } from '../../src/manage/namesakes.ts'
import { Users } from '../../src/manage/users.ts'
import { sqlRepositories } from '../../src/store/repositories.ts'
import { openInMemory } from '../store/in-memory.ts'
import { enrolmentOf, NOON, passkeyOf, userNamed } from '../store/samples.ts'

const hashes = new PasswordHashes({ parallel: 2, waiting: 100 })
const RIGHT: LookupAnswer = { kind: 'right', account: { groups: [], attributes: {} } }

interface Other {
  readonly answer: () => Promise<LookupAnswer>
  readonly subject?: string
  readonly mayMissUsers?: true
}

/** A local user bob with an authenticator and an invitation under that name, beside another store. */
async function fixture(other?: Other) {
  const { database, db } = await openInMemory()
  onTestFinished(() => database.close())
  const { users, enrolments, invitations, passkeys } = sqlRepositories(db, { random: systemRandom })
  const clock = { now: () => NOON, monotonic: () => 0 }
  const local = localIdentity({ users, hashes, clock, checkReady: async () => {} })
  await users.add(userNamed('bob'))
  await enrolments.replace({ enrolment: enrolmentOf('bob'), recoveryHashes: ['h1', 'h2'] })
  await passkeys.add(passkeyOf('bob'))
  await invitations.put({
    ...{ id: 'i1', subject: 'bob', hash: 'invited', createdAt: NOON, createdBy: 'tests' },
    expiresAt: NOON + 1000,
  })
  const candidates: Candidate[] = [{ store: local, name: 'bob', subject: 'bob', mayBeMissing: false }]
  if (other !== undefined) {
    const { answer: lookup, mayMissUsers, subject = 'bob' } = other
    const store: IdentityProvider = { ...local, name: 'corp', isOwn: undefined, mayMissUsers, lookup }
    candidates.push({ store, name: 'bob', subject, mayBeMissing: false })
  }
  const events: AuditEvent[] = []
  const managed = new Users({
    ...{ users, enrolments, invitations, passkeys, clock, random: systemRandom },
    audit: { append: async (event) => void events.push(event) },
    hash: (password) => hashes.hash(password),
    passwordFault: async () => undefined,
    sessions: { deleteAllOf: async () => '' },
    candidates: () => candidates,
    pools: [],
    namesakesOf: (name) => namesakesOf(name, { candidates: () => candidates, clock, patienceMs: 1000 }),
  })
  return {
    async remove(mayRevoke: boolean) {
      const removed = await managed.remove('bob', { actor: 'alice (web)', reason: 'left', mayRevoke })
      expect(await users.find('bob')).toBeUndefined()
      return {
        namesakes: removed?.namesakes,
        authenticator: (await enrolments.ofSubject('bob'))[0] !== undefined,
        recoveryCodes: await enrolments.recoveryCodesLeft('bob'),
        passkeys: (await passkeys.list('bob')).length,
        invitation: (await invitations.redeem('invited', ['bob'], NOON)) !== undefined,
        events: events.map(({ kind, actor, detail }) => `${kind} ${actor} ${detail}`),
      }
    },
  }
}

const REMOVED = 'user.removed alice (web) left'
const ALL_KEPT = { authenticator: true, recoveryCodes: 2, passkeys: 1, invitation: true, events: [REMOVED] }
const ALL_GONE = {
  ...{ authenticator: false, recoveryCodes: 0, passkeys: 0, invitation: false },
  events: [REMOVED, 'enrolment.revoked alice (web) left', 'passkey.removed alice (web) laptop: left'],
}

describe('removing a local user', () => {
  test('takes the authenticator away, with an event, where nobody else can own it', async () => {
    expect(await (await fixture()).remove(true)).toMatchObject(ALL_GONE)
    const unknown = await fixture({ answer: async () => ({ kind: 'unknown' }) })
    expect(await unknown.remove(true)).toMatchObject(ALL_GONE)
    const apart = await fixture({ answer: async () => RIGHT, subject: 'bob@corp.example' })
    expect(await apart.remove(true)).toMatchObject({ ...ALL_GONE, namesakes: { knownTo: ['corp'] } })
  })

  test('takes no authenticator away for one who may not revoke it', async () => {
    expect(await (await fixture()).remove(false)).toMatchObject(ALL_KEPT)
  })

  test.each<[string, Other, object]>([
    ['knows the name', { answer: async () => RIGHT }, { knownTo: ['corp'], unsure: [] }],
    [
      'bars the user',
      { answer: async () => ({ kind: 'barred', detail: 'disabled' }) },
      { knownTo: ['corp'], unsure: [] },
    ],
    [
      'cannot be asked',
      { answer: () => Promise.reject(new Unavailable('corp', 'nobody listens')) },
      { knownTo: [], away: ['corp'] },
    ],
    [
      'answers only passwords',
      { answer: async () => ({ kind: 'unknown' }), mayMissUsers: true },
      { knownTo: [], unsure: ['corp'] },
    ],
  ])('leaves the authenticator to another store that %s', async (_what, other, namesakes) => {
    expect(await (await fixture(other)).remove(true)).toMatchObject({ ...ALL_KEPT, namesakes })
  })
})
