import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { Unavailable } from '../../src/domain/errors.ts'
import { Secret } from '../../src/domain/secret.ts'
import { STATE_ATTRIBUTES } from '../../src/identity/ldap/mapping/account-states.ts'
import type { LdapOptions } from '../../src/identity/ldap/options.ts'
import { corpForTest } from '../identity/corp.ts'
import {
  bindResult,
  entry,
  type LdapDoubleOptions,
  reference,
  searchDone,
  startLdapDouble,
} from '../real/hostile-ldap.ts'
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

/** What is put into a filter or a name to make it match somebody. */
const INJECTIONS = [
  '*',
  'b*',
  '*)(uid=*',
  'bob)(uid=*',
  'bob)(|(uid=*)',
  '*))%00',
  '\\2a',
  'b\\6fb',
  'bob\0',
  'bob\0)(uid=*)',
  'bob,ou=people',
  `bob,${PEOPLE}`,
  'bob+sn=bob',
  '#04036266',
  '"bob"',
  'bób',
  '𝕓𝕠𝕓☃',
  'x'.repeat(1000),
  'bob\u00ad',
  ' bob',
  'bob ',
  'b  b',
  '\\',
  '{user}',
  '(',
  ')',
]

/** Names that need care in a distinguished name. */
const AWKWARD = [
  'O’Brien, Pat "X" + Co',
  '#1 <a>;=b',
  ' begins and ends ',
  'back\\slash',
  'Lučić 密码 😀',
  '#0402',
]

const awkwardEntry = (name: string, index: number): LdifEntry => ({
  dn: `cn=${[...Buffer.from(name)].map((octet) => `\\${octet.toString(16).padStart(2, '0')}`).join('')},${PEOPLE}`,
  objectClass: 'inetOrgPerson',
  uid: `awkward${index}`,
  sn: 'x',
  cn: name,
  userPassword: 'right',
})

describeWith(SLAPD_NEEDS, 'users of an OpenLDAP server', () => {
  const resources = new AsyncDisposableStack()
  let slapd: Slapd

  beforeAll(async () => {
    slapd = await startSlapd({
      entries: [
        person('bob', 'Grüße, 密码', { mail: 'bob@example.org', employeeType: 'vpn' }),
        person('ann', 'right', { mail: 'shared@example.org' }),
        person('tom', 'right', { mail: 'shared@example.org' }),
        person('b b', 'right'),
        { dn: `ou=deep,${PEOPLE}`, objectClass: 'organizationalUnit', ou: 'deep' },
        { ...person('eve', 'right'), dn: `uid=eve,ou=deep,${PEOPLE}` },
        ...AWKWARD.map(awkwardEntry),
        group('staff', [personDn('bob')]),
      ],
      config: {
        database: [
          'access to attrs=userPassword by anonymous auth by * none',
          'access to dn.subtree="dc=example,dc=org" by self read by anonymous auth by * none',
        ],
      },
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
      ...options,
    })
  const openByTemplate = (options: Partial<LdapOptions> = {}) =>
    corpForTest({ urls: [slapd.url], bind_template: `uid={user},${PEOPLE}`, ...options })

  test('are let in with the right password, and not with another', async () => {
    const corp = open()
    expect(await corp.login('bob', 'Grüße, 密码')).toEqual({
      kind: 'right',
      account: { groups: [], attributes: {}, mail: 'bob@example.org' },
    })
    expect(await corp.login('bob', 'grüße, 密码')).toEqual({
      kind: 'wrong',
      detail: '49 invalid credentials',
    })
    expect(await corp.login('nobody', 'right')).toEqual({ kind: 'unknown' })
  })

  test('can be looked up without a password', async () => {
    const corp = open()
    expect(await corp.lookup('bob')).toMatchObject({ kind: 'right' })
    expect(await corp.lookup('nobody')).toEqual({ kind: 'unknown' })
  })

  test('are none where the password is empty', async () => {
    expect(await open().login('bob', '')).toMatchObject({ kind: 'wrong' })
    expect(await openByTemplate().login('bob', '')).toMatchObject({ kind: 'wrong' })
  })

  test('must be one entry and no more', async () => {
    const corp = open({ user_filter: '(mail={user}@example.org)' })
    expect(await corp.login('bob', 'Grüße, 密码')).toMatchObject({ kind: 'right' })
    expect(await corp.login('shared', 'right')).toEqual({
      kind: 'wrong',
      detail: 'more than one entry matches',
    })
    expect(await corp.lookup('shared')).toMatchObject({ kind: 'barred' })
  })

  test('are searched for as deep as the scope says', async () => {
    expect(await open().login('eve', 'right')).toMatchObject({ kind: 'right' })
    expect(await open({ scope: 'one' }).login('eve', 'right')).toEqual({ kind: 'unknown' })
    expect(await open({ scope: 'one' }).login('ann', 'right')).toMatchObject({ kind: 'right' })
  })

  test('are let in whatever signs their distinguished names hold', async () => {
    const corp = open()
    for (const [index, name] of AWKWARD.entries()) {
      expect(await corp.login(`awkward${index}`, 'right'), name).toMatchObject({ kind: 'right' })
      expect(await corp.login(`awkward${index}`, 'wrong'), name).toMatchObject({ kind: 'wrong' })
    }
  })

  test('are not matched by anything that is put into the name', async () => {
    for (const corp of [open(), open({ user_filter: '(&(objectClass=person)(|(uid={user})(cn={user})))' })]) {
      for (const name of INJECTIONS) {
        expect(await corp.login(name, 'Grüße, 密码'), JSON.stringify(name)).toEqual({ kind: 'unknown' })
        expect(await corp.lookup(name), JSON.stringify(name)).toEqual({ kind: 'unknown' })
      }
    }
  })

  test('are let in by a template, and read their own entry and groups', async () => {
    const corp = openByTemplate({ groups: { sources: [{ kind: 'memberOf' }] } })
    expect(await corp.login('bob', 'Grüße, 密码')).toEqual({
      kind: 'right',
      account: { groups: ['staff'], attributes: {}, mail: 'bob@example.org' },
    })
    expect(await corp.login('bob', 'wrong')).toMatchObject({ kind: 'wrong' })
    expect(await corp.login('nobody', 'wrong')).toMatchObject({ kind: 'wrong' })
    await expect(corp.lookup('bob')).rejects.toThrow(
      'identity corp: without bind_dn no user can be looked up',
    )
  })

  test('are not matched by anything that is put into a template', async () => {
    const corp = openByTemplate()
    for (const name of INJECTIONS) {
      const answer = await corp.login(name, 'Grüße, 密码')
      expect(answer.kind, JSON.stringify(name)).toMatch(/^(wrong|unknown)$/)
    }
    const awkward = openByTemplate({ bind_template: `cn={user},${PEOPLE}` })
    expect(await awkward.login('o’brien, pat "x" + co', 'right')).toMatchObject({ kind: 'right' })
  })

  test('are barred where the template finds them and the filter does not', async () => {
    const corp = openByTemplate({ user_filter: '(employeeType=vpn)' })
    expect(await corp.login('bob', 'Grüße, 密码')).toMatchObject({ kind: 'right' })
    expect(await corp.login('ann', 'right')).toMatchObject({ kind: 'barred' })
    expect(await corp.login('ann', 'wrong')).toMatchObject({ kind: 'wrong' })
  })

  test('are unavailable, not unknown, where nobody may search', async () => {
    await expect(corpForTest({ urls: [slapd.url], user_base: PEOPLE }).login('bob', 'x')).rejects.toThrow(
      Unavailable,
    )
    await expect(open({ user_base: 'ou=nowhere,dc=example,dc=org' }).login('bob', 'x')).rejects.toThrow(
      '32 no such object',
    )
  })
})

describe('a directory that does not play by the book', () => {
  const BOB = 'uid=bob,dc=x'

  async function openDouble(answer: LdapDoubleOptions['answer'], options: Partial<LdapOptions> = {}) {
    const double = await startLdapDouble({ answer })
    onTestFinished(double.stop)
    return { double, corp: corpForTest({ urls: [double.url], user_base: 'dc=x', ...options }) }
  }

  /** Finds bob for every name, and accepts every password. */
  const trusting: LdapDoubleOptions['answer'] = ({ kind, id }, wire) => {
    if (kind === 'search') wire.send(entry(id, BOB, { uid: ['bob'] }), searchDone(id))
    if (kind === 'bind') wire.send(bindResult(id))
  }

  test('never gets a bind without a password', async () => {
    const { double, corp } = await openDouble(trusting)
    expect(await corp.login('bob', '')).toMatchObject({ kind: 'wrong' })
    expect(await corp.login('bob', 'x')).toMatchObject({ kind: 'right' })
    expect(double.requests.filter(({ kind }) => kind === 'bind').map(({ password }) => password)).toEqual([
      'x',
    ])
  })

  test('is searched before the password is known, and gets it in one bind or not at all', async () => {
    const { double, corp } = await openDouble(trusting)
    const deadline = () => performance.now() + 5000
    const given = corp.store.prefetch?.('bob', deadline())
    await expect.poll(() => double.requests.filter(({ kind }) => kind === 'search')).toHaveLength(1)
    expect(double.requests.filter(({ kind, password }) => kind === 'bind' && password === 'x')).toEqual([])
    expect(await given?.complete(new Secret('x'))).toMatchObject({ kind: 'right' })
    {
      using _ = corp.store.prefetch?.('bob', deadline())
      await expect.poll(() => double.requests.filter(({ kind }) => kind === 'search')).toHaveLength(2)
    }
    expect(await corp.store.prefetch?.('bob', deadline())?.complete(new Secret(''))).toMatchObject({
      kind: 'wrong',
    })
    expect(await corp.login('bob', 'y')).toMatchObject({ kind: 'right' })
    expect(double.requests.filter(({ kind }) => kind === 'bind').map(({ password }) => password)).toEqual([
      'x',
      'y',
    ])
  })

  test('counts logins that wait for their password among those that it takes at a time', async () => {
    const { corp } = await openDouble(trusting, { limits: { logins: 2 } })
    const deadline = () => performance.now() + 5000
    const prefetch = () => corp.store.prefetch?.('bob', deadline())
    const [kept, dropped] = [prefetch(), prefetch()]
    expect(prefetch()).toBeUndefined()
    await expect(corp.login('bob', 'x')).rejects.toThrow('2 logins wait already')
    dropped?.[Symbol.dispose]()
    dropped?.[Symbol.dispose]()
    await expect.poll(async () => (await corp.login('bob', 'x')).kind).toBe('right')
    const other = prefetch()
    await expect(corp.login('bob', 'x')).rejects.toThrow('2 logins wait already')
    expect(await kept?.complete(new Secret('x'))).toMatchObject({ kind: 'right' })
    kept?.[Symbol.dispose]()
    expect(await other?.complete(new Secret('x'))).toMatchObject({ kind: 'right' })
  })

  test('never gets a bind without a name', async () => {
    const { double, corp } = await openDouble(({ kind, id }, wire) => {
      if (kind === 'search') wire.send(entry(id, '', { uid: ['bob'] }), searchDone(id))
      if (kind === 'bind') wire.send(bindResult(id))
    })
    expect(await corp.login('bob', 'x')).toEqual({ kind: 'unknown' })
    expect(double.requests.some(({ kind }) => kind === 'bind')).toBe(false)
  })

  test('cannot lend an entry to a name that it only takes for the entry’s', async () => {
    const { double, corp } = await openDouble(trusting)
    for (const name of ['böb', 'bob.', 'rob'])
      expect(await corp.login(name, 'x'), name).toEqual({ kind: 'unknown' })
    expect(double.requests.some(({ kind }) => kind === 'bind')).toBe(false)
    expect(corp.events).toContainEqual(
      expect.objectContaining({ level: 'debug', event: 'ldap.other_spelling' }),
    )
  })

  test('sends nobody elsewhere', async () => {
    const elsewhere = await startLdapDouble({ answer: trusting })
    onTestFinished(elsewhere.stop)
    const { corp } = await openDouble(({ kind, id, compares }, wire) => {
      if (kind !== 'search') return
      if (compares.includes('uid=bob')) wire.send(searchDone(id, 10, elsewhere.url))
      else wire.send(reference(id, elsewhere.url), searchDone(id))
    })
    expect(await corp.login('bob', 'x')).toEqual({ kind: 'unknown' })
    expect(await corp.login('eve', 'x')).toEqual({ kind: 'unknown' })
    expect(corp.events.filter(({ event }) => event === 'ldap.referral_ignored')).toHaveLength(2)
    expect(elsewhere.connections).toBe(0)
  })

  test('finds bob beside referrals', async () => {
    const { corp } = await openDouble(({ kind, id }, wire) => {
      if (kind === 'search')
        wire.send(entry(id, BOB, { uid: ['bob'] }), reference(id, 'ldap://a/', 'ldap://b/'), searchDone(id))
      if (kind === 'bind') wire.send(bindResult(id))
    })
    expect(await corp.login('bob', 'x')).toMatchObject({ kind: 'right' })
  })

  test('may call its entry by a name that make ldapjs read without end', async () => {
    const { double, corp } = await openDouble(({ kind, id }, wire) => {
      if (kind === 'search') wire.send(entry(id, 'cn="bob"x,dc=x', { uid: ['bob'] }), searchDone(id))
      if (kind === 'bind') wire.send(bindResult(id))
    })
    expect(await corp.login('bob', 'x')).toMatchObject({ kind: 'right' })
    expect(double.requests.find(({ kind }) => kind === 'bind')?.name).toBe('cn="bob"x,dc=x')
  })

  test('is asked for no more than is needed', async () => {
    const { double, corp } = await openDouble(trusting)
    await corp.login('bob', 'x')
    expect(double.requests.find(({ kind }) => kind === 'search')).toMatchObject({
      name: 'dc=x',
      compares: ['uid=bob'],
      attributes: ['uid', 'mail', 'preferredlanguage', ...STATE_ATTRIBUTES.map((name) => name.toLowerCase())],
    })
  })

  test('is unavailable where it is busy or fails, and that is nobody’s fault', async () => {
    const refusals = [
      ...[1, 3, 11, 50, 51, 52, 80, 200].map((code) => ({ of: 'search', code })),
      ...[1, 8, 13, 51, 52, 80, 200].map((code) => ({ of: 'bind', code })),
    ]
    const { corp } = await openDouble(({ kind, id, compares, name }, wire) => {
      const asked = compares[0]?.slice('uid='.length) ?? name.slice('uid='.length, -',dc=x'.length)
      const refusal = refusals.find(({ of, code }) => kind === of && asked === `${of}${code}`)
      const found = entry(id, `uid=${asked},dc=x`, { uid: [asked] })
      if (kind === 'search')
        wire.send(...(refusal === undefined ? [found] : []), searchDone(id, refusal?.code))
      if (kind === 'bind') wire.send(bindResult(id, refusal?.code, 'words'))
    })
    for (const { of, code } of refusals)
      await expect(corp.login(`${of}${code}`, 'x'), `${of} ${code}`).rejects.toThrow(Unavailable)
    expect(await corp.login('bind1000', 'x')).toMatchObject({ kind: 'right' })
  })
})
