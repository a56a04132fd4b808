import { generateSync } from 'otplib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import type { LdapOptions } from '../../src/identity/ldap/options.ts'
import { corpForTest } from '../identity/corp.ts'
import { type Broker, startBroker } from '../real/broker.ts'
import { describeWith } from '../real/needs.ts'
import {
  DS_ADMIN,
  DS_PEOPLE,
  dsDn,
  dsPerson,
  NS_SLAPD_NEEDS,
  type NsSlapd,
  startNsSlapd,
} from '../real/ns-slapd.ts'
import { ask, loginRequest } from '../real/radius-socket.ts'
import { ADMIN, ADMIN_PASSWORD, PEOPLE, person, SLAPD_NEEDS, type Slapd, startSlapd } from '../real/slapd.ts'

const DAY = 86_400_000
const START = 120_000
/** Milliseconds to GeneralizedTime. */
const time = (at: number) => new Date(at).toISOString().replace(/[-:T]|\.\d+/g, '')

const barred = (detail: string) => ({ kind: 'barred', detail })
const DISABLED = barred('the account is disabled')
const EXPIRED = barred('the account has expired')
const LOCKED = barred('the account is locked in the directory')
const TO_CHANGE = barred('the password must be changed first')
const PASSWORD_EXPIRED = barred('the password has expired')

describeWith(SLAPD_NEEDS, 'an account of OpenLDAP with ppolicy', () => {
  const resources = new AsyncDisposableStack()
  let slapd: Slapd

  beforeAll(async () => {
    const policy = {
      dn: 'cn=policy,dc=example,dc=org',
      objectClass: ['person', 'pwdPolicy'],
      ...{ cn: 'policy', sn: 'policy', pwdAttribute: 'userPassword' },
      ...{ pwdLockout: 'TRUE', pwdMaxFailure: 3, pwdMustChange: 'TRUE' },
      ...{ pwdMaxAge: 30 * 86_400, pwdExpireWarning: 2 * 86_400, pwdGraceAuthNLimit: 2 },
    }
    slapd = await startSlapd({
      entries: [
        policy,
        person('free', 'right'),
        person('disabled', 'right', { pwdAccountLockedTime: '000001010000Z' }),
        person('locked', 'right', { pwdAccountLockedTime: time(Date.now() - 1000) }),
        person('reset', 'right', { pwdReset: 'TRUE' }),
        person('ended', 'right', { pwdEndTime: time(Date.now() - DAY) }),
        person('grace', 'right', { pwdChangedTime: time(Date.now() - 60 * DAY) }),
        person('spent', 'right', {
          pwdChangedTime: time(Date.now() - 60 * DAY),
          pwdGraceUseTime: [time(Date.now() - DAY), time(Date.now() - 2 * DAY)],
        }),
        person('expiring', 'right', { pwdChangedTime: time(Date.now() - 29 * DAY) }),
      ],
      config: {
        global: ['moduleload ppolicy'],
        database: ['overlay ppolicy', 'ppolicy_default "cn=policy,dc=example,dc=org"', 'ppolicy_use_lockout'],
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

  test.each([
    ['disabled', DISABLED],
    ['locked', LOCKED],
    ['reset', TO_CHANGE],
    ['ended', EXPIRED],
  ])('that is %s is barred, with the right password and without one', async (user, answer) => {
    const corp = open()
    expect(await corp.lookup(user)).toMatchObject(answer)
    expect(await corp.login(user, 'right')).toMatchObject({ kind: 'barred' })
    expect(await corp.lookup('free')).toMatchObject({ kind: 'right' })
  })

  test('that must change its password is barred although the server takes the password', async () => {
    expect(await open().login('reset', 'right')).toEqual(TO_CHANGE)
    expect(await open({ tell_state: true }).login('reset', 'right')).toEqual({
      ...TO_CHANGE,
      tell: 'password_to_change',
    })
    const own = corpForTest({ urls: [slapd.url], user_base: PEOPLE, bind_template: `uid={user},${PEOPLE}` })
    expect(await own.login('reset', 'right'), 'by the user’s own bind').toEqual(TO_CHANGE)
  })

  test('with an expired password spends its grace logins one by one, and each is told', async () => {
    const notices = []
    for (let login = 0; login < 2; login += 1) {
      const answer = await open().login('grace', 'right')
      notices.push(answer.kind === 'right' ? answer.account.notice : answer)
    }
    expect(notices).toEqual([
      { kind: 'grace_logins', left: 1 },
      { kind: 'grace_logins', left: 0 },
    ])
    for (const user of ['grace', 'spent']) expect(await open().login(user, 'right')).toEqual(PASSWORD_EXPIRED)
    expect(await open().login('spent', 'wrong')).toMatchObject({ kind: 'wrong' })
  })

  test('whose password expires soon is let in, with a notice', async () => {
    const answer = await open().login('expiring', 'right')
    expect(answer).toMatchObject({ kind: 'right', account: { notice: { kind: 'expiring' } } })
    const free = await open().login('free', 'right')
    expect(free.kind === 'right' && free.account.notice).toBeUndefined()
  })

  test('that the directory locks over wrong passwords is barred, and not told so', async () => {
    const corp = open({ tell_state: true })
    for (let guess = 0; guess < 3; guess += 1)
      expect(await corp.login('free', `guess ${guess}`)).toMatchObject({ kind: 'wrong' })
    expect(await corp.login('free', 'right')).toEqual(LOCKED)
    expect(await corp.lookup('free')).toMatchObject(LOCKED)
    const longAgo = open({ shield: { locked_for: 1 } })
    expect(await longAgo.lookup('free'), 'the lock is over').toMatchObject({ kind: 'right' })
  })
})

describeWith(NS_SLAPD_NEEDS, 'an account of 389 Directory Server', () => {
  const resources = new AsyncDisposableStack()
  let directory: NsSlapd

  beforeAll(async () => {
    directory = await startNsSlapd(
      ['free', 'disabled', 'locked', 'reset', 'grace', 'expiring', 'aged', 'soon'].map((name) =>
        dsPerson(name, 'right'),
      ),
    )
    resources.defer(directory.stop)
    const replace = (dn: string, values: Readonly<Record<string, string | number>>) =>
      `dn: ${dn}\nchangetype: modify\n${Object.entries(values)
        .map(([name, value]) => `replace: ${name}\n${name}: ${value}\n-`)
        .join('\n')}\n`
    await directory.modify(
      [
        replace('cn=config', {
          ...{ passwordMustChange: 'on', passwordExp: 'on', passwordMaxAge: 100 * 86_400 },
          ...{ passwordWarning: 86_400, passwordGraceLimit: 1, passwordLockout: 'on', passwordMaxFailure: 3 },
          ...{ passwordLockoutDuration: 3600, passwordSendExpiringTime: 'on' },
        }),
        replace(dsDn('disabled'), { nsAccountLock: 'true' }),
        replace(dsDn('reset'), { userPassword: 'right' }),
        replace(dsDn('grace'), { passwordExpirationTime: time(Date.now() - DAY) }),
        replace(dsDn('aged'), { passwordExpirationTime: time(Date.now() - DAY) }),
        replace(dsDn('soon'), { passwordExpirationTime: time(Date.now() + DAY / 2) }),
        replace(dsDn('expiring'), { passwordExpirationTime: time(Date.now() + DAY / 2) }),
      ].join('\n'),
    )
  }, START)

  afterAll(() => resources.disposeAsync())

  const identity = () => ({
    urls: [directory.url],
    user_base: DS_PEOPLE,
    bind_dn: DS_ADMIN.dn,
  })
  const open = (options: Partial<LdapOptions> = {}) =>
    corpForTest({ ...identity(), bind_password: new Secret(DS_ADMIN.password), ...options })

  test('that is disabled or must change its password is barred, with the right password and without', async () => {
    const corp = open()
    expect(await corp.lookup('disabled')).toMatchObject(DISABLED)
    expect(await corp.login('disabled', 'right')).toMatchObject({ kind: 'barred' })
    expect(await corp.lookup('reset')).toMatchObject(TO_CHANGE)
    expect(await corp.login('reset', 'right')).toEqual(TO_CHANGE)
    expect(await corp.login('reset', 'wrong')).toMatchObject({ kind: 'wrong' })
    expect(await corp.login('free', 'right')).toMatchObject({ kind: 'right' })
  })

  test('with an expired password has its grace login, and then is barred', async () => {
    expect(await open().login('grace', 'right')).toMatchObject({
      account: { notice: { kind: 'grace_logins', left: 0 } },
    })
    expect(await open().login('grace', 'right')).toEqual(PASSWORD_EXPIRED)
  })

  test('whose password expires soon is let in, with a notice', async () => {
    expect(await open().login('expiring', 'right')).toMatchObject({
      account: { notice: { kind: 'expiring' } },
    })
  })

  test('that is locked over wrong passwords is barred, also without a password', async () => {
    for (let guess = 0; guess < 3; guess += 1) await open().login('locked', `guess ${guess}`)
    expect(await open().login('locked', 'right')).toMatchObject({ kind: 'barred' })
    expect(await open().lookup('locked')).toMatchObject(LOCKED)
  })

  describe('at a broker with `mode: only`', () => {
    let broker: Broker
    const keys = new Map<string, string>()

    beforeAll(async () => {
      broker = await startBroker({
        sections: {
          identity: {
            order: ['corp'],
            // It is none, which does no harm but is said.
            corp: { type: 'ldap', kind: 'openldap', ...identity(), bind_password: DS_ADMIN.password },
          },
          second_factor: { mode: 'only' },
        },
      })
      resources.defer(broker.stop)
      for (const user of ['free', 'disabled', 'reset', 'locked', 'aged']) {
        const { key } = (await broker.ocbroker(['totp', 'enrol', user])) as { key: string }
        keys.set(user, key)
      }
    }, START)

    test('is told that the kind of its directory does not fit', async () => {
      const misfit = expect.stringContaining('kind: openldap does not fit')
      expect(await broker.ocbroker(['check'])).toMatchObject({
        findings: expect.arrayContaining([
          expect.objectContaining({ id: 'identity', verdict: 'warning', cause: misfit }),
        ]),
      })
      const { stdout } = await broker.run(['doctor'])
      expect(stdout).toContain('write kind: 389ds')
    })

    test('gets nobody in whom the directory would not let in, and explains so', async () => {
      const codes = new Map<string, string | undefined>()
      for (const [user, secret] of keys) {
        const request = loginRequest({ secret: broker.secret, user, password: generateSync({ secret }) })
        codes.set(user, (await ask(broker.authPort, request))?.code)
      }
      expect(Object.fromEntries(codes)).toEqual({
        ...{ free: 'Access-Accept', disabled: 'Access-Reject' },
        ...{ reset: 'Access-Reject', locked: 'Access-Reject', aged: 'Access-Reject' },
      })
      const events = (await broker.ocbroker(['audit'])) as { user: string; reason?: string; detail: string }[]
      expect(
        events
          .filter(({ reason }) => reason === 'barred')
          .map(({ user, detail }) => `${user}, ${detail}`)
          .sort(),
      ).toEqual([
        'aged, corp: the password has expired',
        'disabled, corp: the account is disabled',
        'locked, corp: the account is locked in the directory',
        'reset, corp: the password must be changed first',
      ])
      for (const user of ['reset', 'aged'])
        expect(await broker.ocbroker(['explain', user])).toMatchObject({
          outcome: { kind: 'would_be_refused', reason: 'barred' },
        })
    })
  })

  describe('at a broker with `tell_state`', () => {
    let broker: Broker

    beforeAll(async () => {
      broker = await startBroker({
        sections: {
          identity: {
            order: ['corp'],
            corp: {
              ...{ type: 'ldap', kind: '389ds', ...identity(), bind_password: DS_ADMIN.password },
              tell_state: true,
            },
          },
        },
      })
      resources.defer(broker.stop)
      for (const user of ['free', 'soon', 'aged']) await broker.ocbroker(['totp', 'enrol', user])
    }, START)

    const promptOf = async (user: string) => {
      const reply = await ask(
        broker.authPort,
        loginRequest({ secret: broker.secret, user, password: 'right' }),
      )
      return `${reply?.code} ${reply?.message}`
    }
    const outcomeOf = async (user: string) =>
      ((await broker.ocbroker(['explain', user])) as { outcome: object }).outcome

    test('a password that expires soon is told before the code, and explained', async () => {
      expect(await outcomeOf('soon')).toMatchObject({
        kind: 'would_pass',
        words: expect.stringMatching(/by policy everyone; the password expires in 12 h\.$/),
      })
      // From the first warning on, this server gives the whole of passwordWarning.
      expect(await promptOf('soon')).toBe(
        'Access-Challenge Your password expires in 24 hours. Enter the code from your authenticator app.',
      )
      expect(await promptOf('free')).toBe('Access-Challenge Enter the code from your authenticator app.')
    })

    test('a grace login is told, and whether one is left only a password tells', async () => {
      expect(await outcomeOf('aged')).toEqual({
        kind: 'cannot_tell',
        words: 'Only a password tells whether corp takes the one that has expired.',
      })
      expect(await promptOf('aged')).toBe(
        'Access-Challenge Your password has expired. This is the last login that takes it. Enter the code from your authenticator app.',
      )
      expect(await promptOf('aged'), 'none is left').toBe(
        'Access-Reject Your password has expired. Change it, then log in again.',
      )
    })
  })
})
