import { inForce } from '../../src/domain/quota.ts'
import { syncPools } from '../../src/store/pool-sync.ts'
import type { Repositories } from '../../src/store/repositories.ts'
import {
  accounting,
  admission,
  enrolmentOf,
  eventOf,
  failureOf,
  id,
  mailOf,
  NOON,
  passkeyOf,
  trustOf,
  unique,
  uniqueAddress,
  userNamed,
} from './samples.ts'

/** Something in every table, in some more than a page of it, with texts of every kind. */
export async function fill(records: Repositories): Promise<void> {
  const texts = ['plain', '员工 “x” <&>\u2028', "it's; --", 'ä'.repeat(200), '', '\\', '%_']
  for (const [index, text] of texts.entries()) {
    const user = `${unique('user')} ${text}`
    await records.users.add(
      userNamed(user, { groups: [`a${text}`, 'b'], attributes: { ipv4: uniqueAddress() }, expiresAt: NOON }),
    )
    const recoveryHashes = Array.from({ length: 100 }, (_, code) => `${text} ${code}`)
    const sealedSeed = `k1.${unique('seed')}`
    await records.enrolments.replace({ enrolment: enrolmentOf(user, { sealedSeed }), recoveryHashes })
    await records.passkeys.add(passkeyOf(user))
    const link = { user, hash: unique('hash'), createdAt: 0, createdBy: text, expiresAt: NOON }
    await records.passwordLinks.put(link)
    await records.login.recordFailure(failureOf(user, { lock: ['user'], rules: { hardAfter: index + 1 } }))
    await records.gateways.remember(text)
    await records.accountGroups.note({
      user,
      source: 'corp',
      subject: user,
      groups: [text, 'b'],
      seenAt: NOON,
    })
    await records.audit.append(eventOf(user, { detail: text, actor: text }))
    await records.sessions.record(
      accounting('stop', user, unique('acct'), { octetsIn: Number.MAX_SAFE_INTEGER }),
    )
  }
  const addresses = Array.from({ length: 600 }, (_, number) => `10.9.${number >> 8}.${number & 255}`)
  await syncPools(records.leases, [{ pool: 'staff', addresses }])
  const lease = { pool: 'staff', staleAfterMs: 1000 }
  const trust = trustOf(unique('user'), { record: '1.2' })
  await records.login.admit({ ...admission(unique('user'), { kind: 'none' }), lease, trust })
  await records.tokens.add({
    id: unique('token'),
    name: 'desk',
    hash: 'h',
    scopes: [],
    createdAt: NOON,
    createdBy: 'a',
  })
  await records.mails.add(mailOf(unique('user')))
  // Whose grace is over.
  const former = unique('user')
  await records.enrolments.replace({ enrolment: enrolmentOf(former), recoveryHashes: [] })
  await records.enrolments.revoke(former)
  await records.sinks.take({ name: 'siem', holder: 'b', now: NOON, until: NOON + 1 })
  await records.agents.note({
    ...{ gateway: 'gw1', host: 'vpn1', protocol: 1, version: '1', token: 'a', heardAt: NOON, sessions: 0 },
    bans: [{ address: '192.0.2.1', score: 1 }],
  })
  await records.brokers.note({
    ...{ name: 'b', version: '1', seenAt: NOON, aheadMs: 1, keys: ['k'], policies: 'p', pools: 'q' },
  })
  await records.traffic.add([
    {
      ...{ source: '192.0.2.9', gateway: 'gw1', kind: 'login', outcome: 'wrong_code' },
      ...{ count: 2, firstAt: NOON, lastAt: NOON, detail: 'code 4' },
    },
  ])
  const quota = inForce({ measure: 'both', most: 5, per: 'day', of: 'user' }, 'staff', '2026-01-15')
  const counted = admission(unique('user'), { kind: 'none' }, { session: { acctSession: 'counted' } })
  await records.login.admit(counted)
  await records.sessions.record(accounting('stop', counted.session.user, 'counted', { octetsIn: 9 }), {
    day: '2026-01-15',
    quotas: { staff: [quota] },
  })
  await records.usage.add({ id: id(), subject: unique('user'), day: '2026-01-15', octets: 7, seconds: 8 })
  await records.orders.write([
    {
      id: unique('order'),
      gateway: 'gw1',
      kind: 'end',
      target: { session: 'a1' },
      reason: 'operator',
      by: 'a',
      at: NOON,
    },
  ])
  const events = Array.from({ length: 1200 }, () => records.audit.append(eventOf(unique('user'))))
  await Promise.all(events)
}
