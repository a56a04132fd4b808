import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { Unavailable } from '../../src/domain/errors.ts'
import { Secret } from '../../src/domain/secret.ts'
import { type PamIdentityOptions, pamIdentity } from '../../src/identity/pam/provider.ts'
import { describeWith } from '../real/needs.ts'
import { SASLAUTHD_NEEDS, type Saslauthd, startSaslauthd } from '../real/saslauthd.ts'

const soon = (ms = 5000) => systemClock.monotonic() + ms
const PASSWORD = 'Grüße, 密码 und "Zeichen" \\ %s'

describeWith(SASLAUTHD_NEEDS, 'system accounts by PAM through the real saslauthd', () => {
  const resources = new AsyncDisposableStack()
  let daemon: Saslauthd

  beforeAll(async () => {
    daemon = await startSaslauthd([
      { name: 'alice', password: PASSWORD, groups: ['vpn', 'staff'] },
      { name: 'bob', password: 'right' },
      { name: 'carol', password: 'right', expired: true },
      { name: 'Dora@corp', password: 'right' },
    ])
    resources.defer(daemon.stop)
  })

  afterAll(() => resources.disposeAsync())

  function store(options: Partial<PamIdentityOptions> = {}) {
    const { socket, service, passwdFile, groupFile } = daemon
    const accounts = { passwdFile, groupFile }
    return pamIdentity({ name: 'system', clock: systemClock, socket, service, accounts, ...options })
  }
  const ask = (name: string, password: string, options: Partial<PamIdentityOptions> = {}) =>
    store(options).authenticate(name, new Secret(password), soon())

  /** What the daemon has said. Its lines come later than its answers, so the last one is waited for. */
  let services = 0
  async function said(): Promise<string> {
    services += 1
    const service = `none-${services}`
    await expect(ask('bob', 'right', { service })).rejects.toThrow('PAM start error')
    await expect.poll(daemon.process.output).toContain(`[service=${service}]`)
    return daemon.process.output()
  }
  /** Passwords that it was asked about. */
  const checksIn = (text: string) => text.match(/auth (success|failure)/g)?.length ?? 0

  test('the right password is right, and brings the groups of the group file', async () => {
    expect(await ask('alice', PASSWORD)).toEqual({
      kind: 'right',
      account: { groups: ['alice', 'vpn', 'staff'], attributes: {} },
    })
  })

  test('a user whom the account files lack has no groups, and so has everybody without these files', async () => {
    expect(await ask('bob', 'right', { accounts: undefined })).toEqual({
      kind: 'right',
      account: { groups: [], attributes: {} },
    })
  })

  test('a wrong password and an unknown user are the same to PAM', async () => {
    expect(await ask('bob', 'wrong')).toEqual({ kind: 'wrong', detail: 'PAM auth error' })
    expect(await ask('mallory', 'right')).toEqual({ kind: 'wrong', detail: 'PAM auth error' })
  })

  test('a name with signs that PAM modules may overlook is not asked for', async () => {
    for (const name of ['b\u00adob', 'b\u200dob', 'bob '])
      expect(await ask(name, 'right', { accounts: undefined })).toEqual({ kind: 'unknown' })
  })

  test('a name is asked for as it was typed, in its case and with its realm', async () => {
    const unknown = 'when_absent_from_passwd'
    expect(await ask('Dora@corp', 'right', { unknown })).toMatchObject({ kind: 'right' })
    for (const other of ['dora@corp', 'Dora']) {
      expect(await ask(other, 'right', { unknown }), other).toEqual({ kind: 'unknown' })
      expect(await ask(other, 'right', { accounts: undefined }), other).toMatchObject({ kind: 'wrong' })
    }
  })

  test('a name that the account files lack is unknown where that was asked for, and only then', async () => {
    const unknown = 'when_absent_from_passwd'
    expect(await ask('mallory', 'right', { unknown })).toEqual({ kind: 'unknown' })
    expect(await ask('bob', 'wrong', { unknown })).toMatchObject({ kind: 'wrong' })
  })

  test('an expired account is barred, after the right password alone', async () => {
    expect(await ask('carol', 'right')).toMatchObject({ kind: 'barred' })
    expect(await ask('carol', 'wrong')).toMatchObject({ kind: 'wrong' })
  })

  test('a password that no C string can hold is wrong and is not sent: with NUL, empty, or too long', async () => {
    const before = checksIn(await said())
    expect(await ask('bob', 'right\0anything')).toEqual({
      kind: 'wrong',
      detail: 'a NUL in the name or the password',
    })
    expect(await ask('bob\0', 'right')).toMatchObject({ kind: 'wrong' })
    expect(await ask('bob', '')).toMatchObject({ kind: 'wrong' })
    expect(await ask('bob', 'x'.repeat(257))).toMatchObject({ kind: 'wrong' })
    expect(checksIn(await said()), 'the last look alone').toBe(before + 1)
    expect(await ask('bob', 'x'.repeat(256))).toMatchObject({ kind: 'wrong', detail: 'PAM auth error' })
  })

  test('a PAM service that does not exist is an outage, not a wrong password', async () => {
    await expect(ask('bob', 'right', { service: 'no-such-service' })).rejects.toThrow(
      /^identity system: saslauthd could not ask PAM: PAM start error$/,
    )
  })

  test('more logins than saslauthd has processes all get their answers', async () => {
    const system = store({ parallel: 2 })
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        system.authenticate('bob', new Secret(at % 2 === 0 ? 'right' : 'wrong'), soon(10_000)),
      ),
    )
    expect(answers.map(({ kind }) => kind)).toEqual(
      answers.map((_, at) => (at % 2 === 0 ? 'right' : 'wrong')),
    )
  })

  test('a user at a known address goes before all strangers who wait', async () => {
    const system = store({ parallel: 1 })
    const ended: string[] = []
    const login = async (who: string, password: string, isKnown: boolean, number: number) => {
      const context = { address: `198.51.100.${number}`, isAtKnownAddress: async () => isKnown }
      const { kind } = await system.authenticate('bob', new Secret(password), soon(30_000), context)
      ended.push(`${who} ${kind}`)
    }
    const strangers = [1, 2, 3, 4].map((number) => login('stranger', 'wrong', false, number))
    // All of them wait by then: the account file is read before the turn comes.
    await system.lookup('bob', soon())
    await Promise.all([...strangers, login('owner', 'right', true, 9)])
    expect(ended.toSorted()).toEqual(['owner right', ...Array(4).fill('stranger wrong')])
    expect(ended.indexOf('owner right'), ended.join()).toBeLessThan(3)
  })

  test('a lookup says what the account files say', async () => {
    expect(await store().lookup('bob', soon())).toMatchObject({
      kind: 'right',
      account: { groups: ['bob'] },
    })
    expect(await store().lookup('mallory', soon())).toEqual({ kind: 'unknown' })
    expect(await store({ accounts: undefined }).lookup('bob', soon())).toEqual({ kind: 'unknown' })
  })

  test('a group that is added is seen at the next login', async () => {
    const system = store()
    await system.authenticate('bob', new Secret('right'), soon())
    appendFileSync(daemon.groupFile, 'late:x:7000:bob\n')
    expect(await system.authenticate('bob', new Secret('right'), soon())).toMatchObject({
      account: { groups: ['bob', 'late'] },
    })
  })

  test('no password is in what saslauthd says', async () => {
    expect(await said()).not.toContain('Grüße')
  })

  test('it is ready while the daemon answers, out while it hangs, and back when it goes on', async () => {
    const system = store()
    await system.checkReady(soon())
    const hang = (signal: 'SIGSTOP' | 'SIGCONT') => {
      // Every process of it, the forked ones included: they share the group that the test made.
      process.kill(-daemon.process.pid, signal)
    }
    hang('SIGSTOP')
    try {
      const startedAt = systemClock.monotonic()
      const answer = system.authenticate('bob', new Secret('right'), soon(300))
      await expect(answer).rejects.toThrow(/identity system: saslauthd at .*: no answer within \d+ ms/)
      await expect(answer, 'it may yet be told').rejects.toMatchObject({ passwordSent: true })
      expect(systemClock.monotonic() - startedAt).toBeLessThan(1000)
      await expect(system.checkReady(soon(100))).rejects.toBeInstanceOf(Unavailable)
    } finally {
      hang('SIGCONT')
    }
    await sleep(100)
    expect(await system.authenticate('bob', new Secret('right'), soon())).toMatchObject({ kind: 'right' })
  })

  test('a socket that is not there is an outage that says so', async () => {
    const system = store({ socket: '/nonexistent/mux' })
    await expect(system.checkReady(soon())).rejects.toThrow(
      'identity system: saslauthd at /nonexistent/mux: connect ENOENT /nonexistent/mux',
    )
  })
})
