import { expect, test } from 'vitest'
import { bansIn, cookiesIn, SHORT_SESSION, tunnelsIn } from '../../src/agent/listing.ts'
import { isMeant } from '../../src/agent/targets.ts'
import { withWholeNames } from '../../src/agent/whole-names.ts'
import { captured } from './captured.ts'

const tunnels = tunnelsIn(captured('users-json.txt').toString())
const cookies = cookiesIn(captured('sessions-json.txt').toString())
const whole = withWholeNames(tunnels, captured('users.txt'), ({ id }) => id)

test('has the sessions that the real occtl printed, whatever their names and clients are called', () => {
  expect(tunnels).toHaveLength(8)
  expect(tunnels).toContainEqual({
    acctSession: 'fBon3hQMqE4AfNJ++i2OVGXfuL8=',
    user: 'q"uote',
    isNameKnown: true,
    group: 'staff',
    address: '192.0.2.2',
    client: 'AnyConnect "x", "ID": 1, "Full session": "y',
    id: '27515',
    ipv4: '10.200.0.179',
    ipv6: undefined,
    connectedAt: new Date('2026-11-30T06:07:00').getTime(),
    octetsIn: expect.any(Number),
    octetsOut: expect.any(Number),
  })
  expect(tunnels.filter(({ user }) => /^[-;$]/.test(user)).map(({ user }) => user)).toEqual([
    '; disconnect user alice',
    '$(reboot)',
    '--help',
    '-j',
  ])
})

test('has the cookie of a client that lost its network beside those with a tunnel', () => {
  const connected = new Set(tunnels.map(({ acctSession }) => acctSession))
  expect(cookies).toHaveLength(9)
  expect(cookies.filter(({ acctSession }) => !connected.has(acctSession))).toMatchObject([{ user: 'alice' }])
})

test('has the bans', () => {
  expect(bansIn(captured('bans-json.txt').toString())).toEqual([{ address: '192.0.2.2', score: 48 }])
})

test('takes whole names from the table, as the JSON blurs what is beyond ASCII', () => {
  expect(tunnels.filter(({ isNameKnown }) => !isNameKnown).map(({ user }) => user)).toEqual([
    'ÿÿÿÿÿÿ',
    'tÿÿb',
    'tÿÿb',
  ])
  expect(whole.map(({ user }) => user).slice(0, 6)).toEqual([
    '张伟',
    '; disconnect user alice',
    '$(reboot)',
    'q"uote',
    'töb',
    'täb',
  ])
  const short = (session: (typeof cookies)[number]) => session.acctSession.slice(0, SHORT_SESSION)
  const names = withWholeNames(cookies, captured('sessions.txt'), short).map(({ user }) => user)
  expect(names.filter((name) => /[^ -~]/.test(name)).toSorted()).toEqual(['täb', 'töb', '张伟'])
})

test('means nobody by a name that is not wholly known', () => {
  expect(tunnels.filter((each) => isMeant({ user: 'täb' }, each))).toEqual([])
  expect(tunnels.filter((each) => isMeant({ user: 'tÿÿb' }, each))).toEqual([])
  expect(whole.filter((each) => isMeant({ user: 'täb' }, each)).map(({ id }) => id)).toEqual(['27377'])
})

test('leaves a name as it is where the table says something else', () => {
  const table = (text: string) => withWholeNames(tunnels, Buffer.from(text), ({ id }) => id)
  for (const text of [
    '',
    '27377 ',
    '   27377     több  default',
    '27377     t',
    '27377     täb x\n27377     töb x',
  ])
    expect(table(text).find(({ id }) => id === '27377')).toMatchObject({ user: 'tÿÿb', isNameKnown: false })
  // A name with a line break could write a line about somebody else.
  const forger = tunnels.map((each) =>
    each.user === '-j' ? { ...each, user: 'x\n   27377     töb ' } : each,
  )
  expect(withWholeNames(forger, captured('users.txt'), ({ id }) => id)).toEqual(forger)
})

test('overlooks an entry without a number, a session or a name of its own', () => {
  const listed = (...entries: string[]) => tunnelsIn(`[${entries.map((entry) => `{${entry}}`).join()}]`)
  const good = '"ID": 7, "Full session": "s", "Username": "u"'
  expect(listed(good)).toHaveLength(1)
  for (const change of ['"ID": 8', '"Full session": "t"', '"Username": "v"']) {
    expect(listed(`${good}, ${change}`)).toEqual([])
  }
  for (const id of ['-1', '0', '7x', '"7 8"', '"--help"', '99999999999', '""', '[]'])
    expect(listed(good.replace('7', id))).toEqual([])
  expect(listed('"ID": 7, "Full session": "s", "Username": "(none)"')).toEqual([])
})

test('means a session by its name letter by letter, a user in any spelling, and an address of either side', () => {
  const [session] = tunnelsIn(
    '[{"ID": 7, "Full session": "aB+/=", "Username": "Alice", "Remote IP": "2001:DB8:0::1", "IPv4": "10.8.0.7", "IPv6": "fd00::7/128"}]',
  )
  if (session === undefined) throw new Error('no session')
  for (const target of [
    { session: 'aB+/=' },
    { user: 'alice' },
    { user: 'ALICE' },
    { address: '2001:db8::1' },
    { address: '10.8.0.7' },
    { address: 'fd00:0::7' },
  ])
    expect(isMeant(target, session), JSON.stringify(target)).toBe(true)
  for (const target of [
    { session: 'ab+/=' },
    { session: 'aB+/' },
    { session: '' },
    { user: 'alic' },
    { user: 'alice@corp.example' },
    { user: '' },
    { address: '10.8.0.70' },
    { address: '' },
  ])
    expect(isMeant(target, session), JSON.stringify(target)).toBe(false)
})
