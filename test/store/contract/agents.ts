import { describe, expect, test } from 'vitest'
import { GRANT_TO_START_MS } from '../../../src/domain/session.ts'
import { AgentReports } from '../../../src/manage/agent-reports.ts'
import type { Repositories } from '../../../src/store/repositories.ts'
import { accounting, admission, HOUR, MINUTE, NOON, unique, uniqueAddress } from '../samples.ts'

export function agentContract(records: () => Repositories): void {
  const agent = (gateway: string, host: string) => ({
    ...{ gateway, host, protocol: 1, version: '0.1.0', token: 'agent', heardAt: NOON, sessions: 2 },
    bans: [{ address: '192.0.2.9', score: 80 }],
  })
  const granted = async (gateway: string, user: string, more: object = {}, pool?: string) => {
    const entry = admission(user, { kind: 'none' }, { session: { gateway, ...more } })
    const lease = pool === undefined ? undefined : { pool, staleAfterMs: HOUR }
    await records().login.admit({ ...entry, ...(lease && { lease }) })
    return entry.session.id
  }

  describe('agents', () => {
    test('are kept by gateway and host with their last report, and forgotten', async () => {
      const { agents } = records()
      const gateway = unique('gw')
      const mine = async () => (await agents.list()).filter((each) => each.gateway === gateway)
      await agents.note(agent(gateway, 'b'))
      await agents.note(agent(gateway, 'a'))
      const later = { ...agent(gateway, 'b'), heardAt: NOON + 1, ocservVersion: '1.1.6', bans: [] }
      await agents.note(later)
      expect(await mine()).toEqual([agent(gateway, 'a'), later])
      await agents.forget(NOON + 1)
      expect(await mine()).toEqual([later])
    })

    test('watch live sessions, those that hold an address, and those that they name', async () => {
      const { agents, sessions } = records()
      const [gateway, user] = [unique('gw'), unique('user')]
      const login = await granted(gateway, user)
      const acct = unique('acct')
      const names = [`${acct}-live`, `${acct}-over`, `${acct}-named`]
      for (const name of names)
        await sessions.record(accounting('start', unique('other'), name, { gateway, at: NOON + 1 }))
      for (const name of names.slice(1))
        await sessions.record(accounting('stop', unique('other'), name, { gateway, at: NOON + 2 }))
      const watched = await agents.watched(gateway, [`${acct}-named`, unique('unknown')])
      expect(watched.map(({ id, acctSession }) => (id === login ? 'login' : acctSession)).toSorted()).toEqual(
        ['login', `${acct}-live`, `${acct}-named`].toSorted(),
      )
      expect(watched.find(({ id }) => id === login)).toEqual({ id: login, grantedAt: NOON })
    })

    test('see and miss sessions, and a miss counts from the first report', async () => {
      const { agents } = records()
      const gateway = unique('gw')
      const id = await granted(gateway, unique('user'))
      const it = async () => (await agents.watched(gateway, [])).find((each) => each.id === id)
      await agents.see([id], 'vpn1')
      expect(await it()).toMatchObject({ agent: 'vpn1' })
      await agents.miss([id], NOON + 1)
      await agents.miss([id], NOON + 2)
      expect(await it()).toMatchObject({ agent: 'vpn1', missedAt: NOON + 1 })
      await agents.see([id], 'vpn2')
      expect(await it()).toEqual({ id, grantedAt: NOON, agent: 'vpn2' })
    })

    test('miss a login that has no name only when its client can come no more', async () => {
      const { agents, sessions } = records()
      const [gateway, user] = [unique('gw'), unique('user')]
      const id = await granted(gateway, user)
      let now = NOON + MINUTE
      const reports = new AgentReports({ agents, sessions, clock: { now: () => now, monotonic: () => now } })
      const isOpen = async () => (await sessions.find(id))?.stoppedAt === undefined
      const report = () =>
        reports.take(
          { agent: { ...agent(gateway, 'a'), ocservVersion: '1.1.6' }, sessions: [], cookies: [] },
          { name: gateway, networks: [], hosts: ['one'], takesDisconnect: false },
        )
      for (; now < NOON + GRANT_TO_START_MS; now += MINUTE) await report()
      expect(await isOpen()).toBe(true)
      for (const end = now + 2 * MINUTE; now < end; now += MINUTE) await report()
      expect(await isOpen()).toBe(false)
    })

    test('end sessions that were named or not and free their addresses, and bring them back', async () => {
      const { agents, sessions, leases } = records()
      const [gateway, pool, address] = [unique('gw'), unique('pool'), uniqueAddress()]
      await leases.add(pool, [{ address, place: 1 }])
      const id = await granted(gateway, unique('user'), {}, pool)
      const other = await granted(gateway, unique('user'))
      await agents.end([id], NOON + HOUR)
      expect(await sessions.find(id)).toMatchObject({
        stoppedAt: NOON + HOUR,
        terminateCause: 'Not-Reported',
      })
      expect((await leases.find(address))?.session).toBeUndefined()
      expect((await sessions.find(other))?.stoppedAt).toBeUndefined()
      await agents.end([id], NOON + 2 * HOUR)
      expect((await sessions.find(id))?.stoppedAt).toBe(NOON + HOUR)
      await agents.reopen([id])
      expect((await sessions.find(id))?.stoppedAt).toBeUndefined()
    })

    test('leave an address that two sessions of a user may have while one of them is open', async () => {
      const { agents, sessions, leases } = records()
      const [gateway, pool, user] = [unique('gw'), unique('pool'), unique('user')]
      const addresses = [uniqueAddress(), uniqueAddress()]
      await leases.add(
        pool,
        addresses.map((address, place) => ({ address, place })),
      )
      const ids = [await granted(gateway, user, {}, pool), await granted(gateway, user, {}, pool)]
      const held = async () =>
        (await Promise.all(addresses.map((address) => leases.find(address)))).filter(
          (lease) => lease?.session,
        )
      // Each reports the other's address, so that nobody knows which is whose.
      const own = await Promise.all(addresses.map((address) => leases.find(address)))
      for (const lease of own) {
        const others = addresses.find((address) => address !== lease?.address) ?? ''
        const entry = { gateway, ipv4: others, at: NOON + MINUTE }
        await sessions.record(accounting('start', user, `acct-${lease?.session}`, entry))
      }
      await agents.end(ids.slice(0, 1), NOON + HOUR)
      const after = await held()
      expect(after.length).toBeGreaterThanOrEqual(1)
      await agents.end(ids, NOON + HOUR)
      expect(await held()).toEqual([])
    })
  })
}
