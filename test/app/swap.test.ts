import { writeFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { startBroker } from '../../src/app/broker.ts'
import { replyRules } from '../../src/app/reply-rules.ts'
import { openStore } from '../../src/app/storage.ts'
import { loadConfig } from '../../src/config/load.ts'
import { SYSTEM_RUNTIME } from '../../src/domain/runtime.ts'
import { silentLog } from '../login/fixture.ts'
import { temporaryFolder } from '../real/folder.ts'

const runtime = { ...SYSTEM_RUNTIME, log: silentLog }

/** Reads configurations that differ in the name that the pages show. */
function configurations() {
  const folder = temporaryFolder('swap')
  onTestFinished(() => folder.remove())
  return {
    folder,
    async named(issuer: string) {
      const file = folder.file('broker.yaml')
      const content = {
        radius: { auth_port: 0, acct_port: 0 },
        gateways: [{ name: 'gw1', address: '127.0.0.1', secret: 'between-gateway-and-broker' }],
        storage: { sqlite: 'broker.db', key_file: 'seed.key' },
        policies: [{ name: 'everyone', reply: {} }],
        http: { port: 0 },
        second_factor: { totp: { issuer } },
      }
      writeFileSync(file, JSON.stringify(content), { mode: 0o600 })
      const loaded = await loadConfig(file, {}, replyRules)
      if ('faults' in loaded) throw new Error(JSON.stringify(loaded.faults))
      return loaded.config
    },
  }
}

/** A broker whose configurations are prepared only when the test lets them be. */
async function startedBroker() {
  const { named } = configurations()
  const first = await named('First')
  const store = await openStore(first, runtime)
  const held = new Map<string, () => void>()
  const slow = {
    ...store,
    async with(next: typeof first) {
      await new Promise<void>((resolve) => held.set(next.secondFactor.totp.issuer, resolve))
      return store.with(next)
    },
  }
  const broker = await startBroker(first, slow, runtime)
  onTestFinished(async () => {
    await broker.stop()
    await store.close()
  })
  return {
    swap: broker.swap,
    named,
    isHeld: (issuer: string) => held.has(issuer),
    go: (issuer: string) => held.get(issuer)?.(),
    async shows(issuer: string) {
      const place = broker.listening.find(({ service }) => service === 'http')
      return (await (await fetch(`http://127.0.0.1:${place?.port}/`)).text()).includes(issuer)
    },
  }
}

test('a configuration that was dropped before it was ready is never taken', async () => {
  const { swap, named, isHeld, go, shows } = await startedBroker()
  const refused = swap.prepare(await named('Refused')).catch((error: Error) => error.message)
  await expect.poll(() => isHeld('Refused')).toBe(true)
  const dropped = swap.discard()
  const prepared = swap.prepare(await named('Accepted'))
  go('Refused')
  expect(await refused).toContain('dropped')
  await dropped
  await expect.poll(() => isHeld('Accepted')).toBe(true)
  expect(() => swap.commit()).toThrow('no configuration is prepared')
  expect(await shows('First')).toBe(true)
  go('Accepted')
  await prepared
  swap.commit()
  expect(await shows('Accepted')).toBe(true)
}, 30_000)

test('what outlives a configuration seals and opens with the keys of every later one', async () => {
  const { folder, named } = configurations()
  const config = await named('First')
  const first = await openStore(config, runtime)
  onTestFinished(() => first.close())
  let before = first
  for (const id of ['second', 'third']) {
    writeFileSync(folder.file('seed.key'), `${id}:${Buffer.alloc(32, id).toString('base64')}\n`, {
      mode: 0o600,
    })
    const next = await before.with(config)
    onTestFinished(() => next.release())
    before.takeKeys(next.keys)
    expect([first, before].map(({ keys }) => keys.has(id))).toEqual([true, true])
    before = next
  }
  expect(first.keys.has('second'), 'a key that was taken away').toBe(false)
})
