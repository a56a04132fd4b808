import { afterAll, expect, test } from 'vitest'
import { takesPasskeys } from '../../src/app/takes-passkeys.ts'
import { systemClock } from '../../src/domain/clock.ts'
import type { ListedUser, StoreListing } from '../../src/domain/store-users.ts'
import { rollOut } from '../../src/manage/roll-out.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { configOf, GATEWAY } from '../config/loading.ts'
import { enrolmentOf, passkeyOf, unique } from '../store/samples.ts'

const opened = openSqlite({ path: ':memory:' })
afterAll(async () => (await opened).close())

test('somebody with a passkey alone is missing, unless every login takes it', async () => {
  const { records } = await opened
  const [app, key, none] = [unique('app'), unique('key'), unique('none')]
  await records.enrolments.replace({ enrolment: enrolmentOf(app), recoveryHashes: [] })
  await records.passkeys.add(passkeyOf(key))
  const user = (name: string): ListedUser => ({ name, subject: name, store: 'corp' })
  const corp: StoreListing = {
    store: 'corp',
    async *users() {
      yield [app, key, none].map(user)
    },
  }
  const missing = async (counts: boolean) => {
    const options = { listings: [corp], records, takesPasskeys: counts, clock: systemClock }
    const pages = await Array.fromAsync(rollOut({ missing: true }, options))
    return pages.flat().map(({ name }) => name)
  }
  expect(await missing(false)).toEqual([key, none])
  expect(await missing(true)).toEqual([none])
})

test('every login takes a passkey where the site and all policies ask for an approval', async () => {
  const site = (mode: string, policies: string) =>
    configOf(`${GATEWAY}
second_factor: { mode: ${mode} }
policies: [${policies}]
http: {}
portal: { public_url: 'https://vpn.example.org' }
`)
  const everyone = '{ name: everyone, reply: {} }'
  const codes = '{ name: codes, when: { groups: [ops] }, second_factor: { mode: challenge }, reply: {} }'
  const either = '{ name: either, when: { groups: [ops] }, second_factor: { mode: either }, reply: {} }'
  for (const mode of ['approve', 'either']) {
    expect([mode, takesPasskeys(await site(mode, everyone))]).toEqual([mode, true])
    expect(takesPasskeys(await site(mode, `${either}, ${everyone}`))).toBe(true)
    expect(takesPasskeys(await site(mode, `${codes}, ${everyone}`))).toBe(false)
  }
  for (const mode of ['challenge', 'append'])
    expect([mode, takesPasskeys(await site(mode, `${either}, ${everyone}`))]).toEqual([mode, false])
  // Without a portal there are no passkeys.
  expect(takesPasskeys(await configOf(`${GATEWAY}second_factor: { mode: either }`))).toBe(false)
})
