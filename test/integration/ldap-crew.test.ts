import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import type { LogFields } from '../../src/domain/log.ts'
import { Crew } from '../../src/identity/ldap/crew.ts'
import { directorySettings } from '../../src/identity/ldap/directory-settings.ts'

function startCrew({ threads = 2, mostJobs = 100 } = {}) {
  const asked: string[] = []
  const replaced: LogFields[] = []
  const note = (event: string, fields: LogFields = {}) => {
    if (event === 'asked') asked.push(String(fields.user))
    if (event === 'ldap.thread_replaced') replaced.push(fields)
  }
  const crew = new Crew({
    entry: new URL('../identity/crew-thread.ts', import.meta.url),
    settings: directorySettings({ name: 'corp', urls: ['ldap://localhost'], userBase: 'dc=x' }),
    threads,
    mostJobs,
    clock: systemClock,
    log: { debug: note, info: note, warn: note, error: note },
  })
  onTestFinished(() => crew.close())
  const ask = (user: string, within = 5000) => crew.ask(['lookup', user], systemClock.monotonic() + within)
  const begin = (user: string) => crew.begin(user, systemClock.monotonic() + 5000)
  return {
    ask,
    begin,
    asked,
    replaced,
    timesAsked: (user: string) => asked.filter((each) => each === user).length,
  }
}

const answered = (user: string) => ({ kind: 'barred', detail: user })

describe('the threads that speak LDAP', () => {
  test('answer what they are asked', async () => {
    const { ask } = startCrew()
    const users = Array.from({ length: 50 }, (_, index) => `quick ${index}`)
    expect(await Promise.all(users.map((user) => ask(user)))).toEqual(users.map(answered))
  })

  test('are replaced within a second where ldapjs reads for ever, and others’ logins go on', async () => {
    const { ask, replaced, timesAsked } = startCrew()
    await Promise.all([ask('quick 1'), ask('quick 2'), sleep(300)])
    const others = Array.from({ length: 6 }, (_, index) => `slow ${index}`)
    const answers = others.map((user) => ask(user))
    const began = performance.now()
    expect(await ask('endless')).toMatchObject({
      kind: 'unavailable',
      cause: expect.stringContaining('cannot be read'),
    })
    expect(performance.now() - began).toBeLessThan(1000)
    expect(await Promise.all(answers)).toEqual(others.map(answered))
    expect(performance.now() - began).toBeLessThan(1500)
    expect(replaced).toHaveLength(1)
    expect(timesAsked('endless')).toBe(1)
    expect(await ask('quick 3')).toEqual(answered('quick 3'))
  })

  test('keep answering others while one of them is held', async () => {
    const { ask } = startCrew()
    await Promise.all([ask('quick 1'), ask('quick 2'), sleep(300)])
    const held = ask('endless')
    await sleep(20)
    const began = performance.now()
    for (let count = 0; count < 20; count++) await ask(`quick ${count}`)
    expect(performance.now() - began).toBeLessThan(250)
    await held
  })

  test('are not asked again what a password was sent for', async () => {
    const { ask, timesAsked } = startCrew({ threads: 1 })
    await ask('quick')
    const bound = ask('bound')
    await expect.poll(() => timesAsked('bound')).toBe(1)
    expect(await ask('endless')).toMatchObject({ kind: 'unavailable' })
    expect(await bound).toMatchObject({ kind: 'unavailable', sent: true })
    await ask('quick')
    expect(timesAsked('bound')).toBe(1)
  })

  test('wait for the password of what was begun, and for none where it is given up', async () => {
    const { ask, begin, timesAsked } = startCrew({ threads: 1, mostJobs: 2 })
    await ask('quick')
    const [given, dropped] = [begin('waits 1'), begin('waits 2')]
    expect(await ask('quick')).toMatchObject({ kind: 'unavailable', cause: expect.stringContaining('wait') })
    dropped.drop()
    await expect.poll(() => ask('quick')).toEqual(answered('quick'))
    expect(await given.finish('secret')).toEqual(answered('secret'))
    given.drop()
    const found = begin('quick 1')
    await expect.poll(() => timesAsked('quick 1')).toBe(1)
    expect(await found.finish('secret')).toEqual(answered('quick 1'))
  })

  test('give the password of what was begun to the thread that has it now', async () => {
    const { ask, begin, timesAsked } = startCrew({ threads: 1 })
    await ask('quick')
    await sleep(500)
    const begun = begin('waits')
    await ask('crash')
    await expect.poll(() => timesAsked('waits')).toBe(2)
    expect(await begun.finish('secret')).toEqual(answered('secret'))
  })

  test('are replaced where one of them falls', async () => {
    const { ask, replaced, timesAsked } = startCrew({ threads: 1 })
    await ask('quick')
    await sleep(500)
    const slow = ask('slow')
    await ask('crash')
    expect(await slow).toEqual(answered('slow'))
    expect(timesAsked('slow')).toBe(2)
    expect(replaced[0]).toMatchObject({ cause: expect.stringContaining('a fault of its own') })
    expect(await ask('quick')).toEqual(answered('quick'))
  })

  test('take no more than they are meant to', async () => {
    const { ask, replaced } = startCrew({ mostJobs: 4 })
    const slow = Array.from({ length: 4 }, () => ask('slow'))
    const began = performance.now()
    expect(await ask('quick')).toMatchObject({ kind: 'unavailable', cause: expect.stringContaining('wait') })
    expect(performance.now() - began).toBeLessThan(100)
    expect(await Promise.all(slow)).toEqual(Array.from({ length: 4 }, () => answered('slow')))
    expect(await ask('quick')).toEqual(answered('quick'))
    // Starting took longer than a thread may be silent, and is no silence.
    expect(replaced).toEqual([])
  })

  test('are not waited for beyond the deadline', async () => {
    const { ask } = startCrew()
    await ask('quick')
    const began = performance.now()
    expect(await ask('never', 300)).toMatchObject({ kind: 'unavailable', cause: 'no answer in time' })
    expect(performance.now() - began).toBeLessThan(700)
    expect(await ask('quick', 0)).toMatchObject({ kind: 'unavailable', cause: 'no time is left' })
  })
})
