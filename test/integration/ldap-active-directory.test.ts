import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import type { LdapOptions } from '../../src/identity/ldap/options.ts'
import { corpForTest } from '../identity/corp.ts'
import { adDiagnostic, bindResult, entry, searchDone, startLdapDouble } from '../real/hostile-ldap.ts'
import type { LdifEntry } from '../real/ldif.ts'
import { describeWith } from '../real/needs.ts'
import {
  ADMIN,
  ADMIN_PASSWORD,
  group,
  PEOPLE,
  person,
  personDn,
  SLAPD_NEEDS,
  type Slapd,
  startSlapd,
} from '../real/slapd.ts'

/** As Active Directory counts: steps of 100 ns from 1601. */
const filetime = (at: number) => String(BigInt(at) * 10_000n + 116_444_736_000_000_000n)

const NORMAL = 512

function account(name: string, more: Omit<LdifEntry, 'dn'> = {}): LdifEntry {
  return person(name, 'right', {
    objectClass: 'user',
    sAMAccountName: name,
    objectCategory: 'person',
    userAccountControl: NORMAL,
    ...more,
  })
}

describeWith(SLAPD_NEEDS, 'a directory with the schema of Active Directory', () => {
  const resources = new AsyncDisposableStack()
  let slapd: Slapd

  beforeAll(async () => {
    slapd = await startSlapd({
      activeDirectory: true,
      entries: [
        account('RSmith', {
          userPrincipalName: 'Robert.Smith@corp.example',
          msRADIUSFramedIPAddress: '-1062731519',
          msRADIUSFramedRoute: ['10.0.0.0/8 0.0.0.0 1'],
        }),
        // The principal name of this user is the account name of another.
        account('impostor', { userPrincipalName: 'rsmith@corp.example' }),
        account('disabled', { userAccountControl: NORMAL | 2 }),
        account('expired', { accountExpires: filetime(Date.now() - 1000) }),
        account('never', { accountExpires: '9223372036854775807' }),
        account('counted', { badPwdCount: 4, badPasswordTime: filetime(Date.now()) }),
        account('long-ago', { badPwdCount: 4, badPasswordTime: filetime(Date.now() - 2 * 3_600_000) }),
        account('locked', { lockoutTime: filetime(Date.now()) }),
        account('changing', { pwdLastSet: '1' }),
        group('Staff', [personDn('RSmith')]),
      ],
    })
    resources.defer(slapd.stop)
  })

  afterAll(() => resources.disposeAsync())

  const open = (options: Partial<LdapOptions> = {}) =>
    corpForTest({
      urls: [slapd.url],
      user_base: PEOPLE,
      bind_dn: ADMIN,
      bind_password: new Secret(ADMIN_PASSWORD),
      active_directory: { upn_suffixes: ['corp.example'] },
      ...options,
    })

  test('knows users by account name and by principal name', async () => {
    const corp = open({
      groups: { sources: [{ kind: 'memberOf' }] },
      attributes: { ipv4: 'msRADIUSFramedIPAddress', routes: 'msRADIUSFramedRoute' },
    })
    const right = {
      kind: 'right',
      account: { groups: ['Staff'], attributes: { ipv4: '192.168.1.1', routes: ['10.0.0.0/8'] } },
    }
    // One user under both names: the store says by which it knows them.
    expect(await corp.login('robert.smith', 'right')).toEqual({
      ...right,
      account: { ...right.account, name: 'rsmith' },
    })
    expect(await open({ active_directory: {} }).login('rsmith', 'right')).toMatchObject({ kind: 'right' })
    expect(await open({ active_directory: {} }).login('robert.smith', 'right')).toEqual({ kind: 'unknown' })
    expect(await corp.login('rsmith', 'right')).toEqual({
      kind: 'wrong',
      detail: 'more than one entry matches',
    })
  })

  test('lets in by a template too, and bars by what the user’s own entry says', async () => {
    // OpenLDAP binds by distinguished names alone, so the name is one here.
    const corp = corpForTest({
      urls: [slapd.url],
      bind_template: `uid={user},${PEOPLE}`,
      user_base: PEOPLE,
      active_directory: {},
    })
    expect(await corp.login('rsmith', 'right')).toMatchObject({ kind: 'right' })
    expect(await corp.login('disabled', 'right')).toMatchObject({ kind: 'barred' })
  })

  test('bars accounts by their state, even where the server itself would let them in', async () => {
    const corp = open()
    expect(await corp.login('disabled', 'right')).toEqual({
      kind: 'barred',
      detail: 'the account is disabled',
    })
    expect(await corp.login('disabled', 'wrong')).toMatchObject({ kind: 'wrong' })
    expect(await corp.login('expired', 'right')).toEqual({
      kind: 'barred',
      detail: 'the account has expired',
    })
    expect(await corp.lookup('disabled')).toMatchObject({ kind: 'barred' })
    const talkative = open({ tell_state: true })
    expect(await talkative.login('disabled', 'right')).toMatchObject({ kind: 'barred', tell: 'disabled' })
    expect(await talkative.login('disabled', 'wrong')).toEqual({ kind: 'wrong', detail: expect.anything() })
    expect(await talkative.lookup('disabled')).toMatchObject({
      kind: 'barred',
      detail: 'the account is disabled',
    })
    expect(await corp.login('never', 'right')).toMatchObject({ kind: 'right' })
    expect(await corp.lookup('never')).toMatchObject({ kind: 'right' })
  })

  test('is not asked where its own count is near the end, until that is over', async () => {
    const corp = open({ shield: { threshold: 5, window: 3_600_000 } })
    expect(await corp.login('counted', 'right')).toMatchObject({
      kind: 'withheld',
      reason: 'locked',
      detail: 'user (directory_full, a lockout)',
    })
    expect(await corp.login('long-ago', 'right')).toMatchObject({ kind: 'right' })
    await slapd.modify(
      `dn: ${personDn('counted')}\nchangetype: modify\nreplace: badPwdCount\nbadPwdCount: 0\n`,
    )
    expect(await corp.login('counted', 'right')).toMatchObject({ kind: 'right' })
  })

  test('is not asked about an account that it keeps locked', async () => {
    const corp = open({ shield: { locked_for: 0 } })
    expect(await corp.login('locked', 'right')).toEqual({
      kind: 'withheld',
      reason: 'barred',
      detail: 'the account is locked in the directory; not asked',
    })
    expect(await open().login('locked', 'right')).toMatchObject({ kind: 'right' })
  })

  test('is asked again at once when the password was changed', async () => {
    const corp = open()
    expect(await corp.login('changing', 'new')).toMatchObject({ kind: 'wrong' })
    expect(await corp.login('changing', 'new')).toMatchObject({
      detail: 'the same wrong password again; not sent to the directory',
    })
    await slapd.modify(
      `dn: ${personDn('changing')}\nchangetype: modify\nreplace: pwdLastSet\npwdLastSet: 2\n-\nreplace: userPassword\nuserPassword: new\n`,
    )
    expect(await corp.login('changing', 'new')).toMatchObject({ kind: 'right' })
  })
})

/** Counts wrong passwords and locks an account at five, as Active Directory does. */
async function startCountingDirectory({ isCountShown = true, answersAfterMs = 10 } = {}) {
  const LOCKS_AT = 5
  const state = { wrong: 0, lastWrongAt: 0, lockedAt: 0, binds: 0 }
  const double = await startLdapDouble({
    answer({ kind, id, password }, wire) {
      if (kind === 'search')
        wire.send(
          entry(id, 'CN=Bob,DC=corp', {
            sAMAccountName: ['bob'],
            pwdLastSet: ['1'],
            ...(isCountShown && {
              badPwdCount: [String(state.wrong)],
              badPasswordTime: [state.lastWrongAt === 0 ? '0' : filetime(state.lastWrongAt)],
              lockoutTime: [state.lockedAt === 0 ? '0' : filetime(state.lockedAt)],
            }),
          }),
          searchDone(id),
        )
      if (kind !== 'bind') return
      state.binds += 1
      if (state.lockedAt > 0) return wire.send(bindResult(id, 49, adDiagnostic('775')))
      if (password === 'right') {
        state.wrong = 0
        return wire.send(bindResult(id))
      }
      state.wrong += 1
      state.lastWrongAt = Date.now()
      if (state.wrong >= LOCKS_AT) state.lockedAt = Date.now()
      // Slow enough for other guesses to come in between.
      setTimeout(() => wire.send(bindResult(id, 49, adDiagnostic('52e'))), answersAfterMs)
    },
  })
  onTestFinished(double.stop)
  const open = (shield: LdapOptions['shield']) =>
    corpForTest({ urls: [double.url], user_base: 'DC=corp', active_directory: {}, shield })
  return { state, open }
}

describe('a directory that locks accounts', () => {
  test('locks them without a shield, which the test shows', async () => {
    const { state, open } = await startCountingDirectory()
    const corp = open(undefined)
    for (let guess = 0; guess < 6; guess++) await corp.login('bob', `guess ${guess}`)
    expect(state.lockedAt).toBeGreaterThan(0)
    expect(await corp.login('bob', 'right')).toEqual({
      kind: 'barred',
      detail: 'the account is locked in the directory (775)',
    })
  })

  for (const isCountShown of [true, false]) {
    test(`never comes to it behind the shield, ${isCountShown ? 'by its own count' : 'by the broker’s'}`, async () => {
      const { state, open } = await startCountingDirectory({ isCountShown })
      const corp = open({ threshold: 5 })
      for (let round = 0; round < 4; round++)
        await Promise.all(
          Array.from({ length: 10 }, (_, guess) => corp.login('bob', `guess ${round} ${guess}`)),
        )
      expect(state).toMatchObject({ wrong: 4, lockedAt: 0, binds: 4 })
      expect(await corp.login('bob', 'right')).toMatchObject({ kind: 'withheld', reason: 'locked' })
      expect(state.binds).toBe(4)
    })
  }

  test('is told an old password once in five minutes', async () => {
    const { state, open } = await startCountingDirectory()
    const corp = open({ threshold: 5 })
    expect(await corp.login('bob', 'old')).toMatchObject({ kind: 'wrong' })
    for (let again = 0; again < 20; again++)
      expect(await corp.login('bob', 'old')).toMatchObject({ kind: 'withheld', reason: 'bad_credentials' })
    expect(state).toMatchObject({ wrong: 1, binds: 1 })
    expect(await corp.login('bob', 'right')).toMatchObject({ kind: 'right' })
  })

  test('says in its own words why a user may not log in', async () => {
    const codes = ['525', '52e', '530', '531', '532', '533', '701', '773', '775']
    const double = await startLdapDouble({
      answer({ kind, id, name, compares }, wire) {
        const user = compares.find((compare) => compare.startsWith('sAMAccountName='))?.split('=')[1] ?? ''
        if (kind === 'search')
          wire.send(entry(id, `CN=${user},DC=corp`, { sAMAccountName: [user] }), searchDone(id))
        if (kind === 'bind') wire.send(bindResult(id, 49, adDiagnostic(/CN=u(\w+),/.exec(name)?.[1] ?? '')))
      },
    })
    onTestFinished(double.stop)
    const corp = corpForTest({ urls: [double.url], user_base: 'DC=corp', active_directory: {} })
    const answers = await Promise.all(codes.map((code) => corp.login(`u${code}`, 'x')))
    expect(answers.map((answer) => [answer.kind, 'detail' in answer ? answer.detail : ''])).toEqual([
      ['unknown', ''],
      ['wrong', 'wrong password (52e)'],
      ['barred', 'logins are not permitted at this time (530)'],
      ['barred', 'logins are not permitted from this computer (531)'],
      ['barred', 'the password has expired (532)'],
      ['barred', 'the account is disabled (533)'],
      ['barred', 'the account has expired (701)'],
      ['barred', 'the password must be changed first (773)'],
      ['barred', 'the account is locked in the directory (775)'],
    ])
  })

  test('is asked by names of its own forms', async () => {
    const binds: string[] = []
    const double = await startLdapDouble({
      answer({ kind, id, name, compares }, wire) {
        if (kind === 'bind') {
          binds.push(name)
          wire.send(bindResult(id))
        }
        if (kind === 'search')
          wire.send(
            ...(compares.includes('sAMAccountName=bob')
              ? [entry(id, 'CN=Bob,DC=corp', { sAMAccountName: ['bob'] })]
              : []),
            searchDone(id),
          )
      },
    })
    onTestFinished(double.stop)
    for (const bindTemplate of ['{user}@corp.example', 'CORP\\{user}']) {
      const corp = corpForTest({
        urls: [double.url],
        user_base: 'DC=corp',
        active_directory: {},
        bind_template: bindTemplate,
      })
      expect(await corp.login('bob', 'x')).toMatchObject({ kind: 'right' })
      expect(await corp.login('eve', 'x')).toMatchObject({ kind: 'barred' })
    }
    expect(binds).toEqual(['bob@corp.example', 'eve@corp.example', 'CORP\\bob', 'CORP\\eve'])
  })
})
