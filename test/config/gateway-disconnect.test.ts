import { writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { configOf, faultOf, faultsOf, load } from './loading.ts'

const gateway = (disconnect: string, address = '192.0.2.1') =>
  `gateways: [{ name: gw1, address: ${address}, secret: a-secret-of-good-length, disconnect: ${disconnect} }]\n`

test('a gateway takes Disconnect-Requests at port 3799, with its own secret', async () => {
  const { gateways } = await configOf(gateway('{}'))
  const [{ disconnect } = {}] = gateways
  expect([disconnect?.port, disconnect?.secret.reveal()]).toEqual([3799, 'a-secret-of-good-length'])
})

test('the port and the secret may be others, the secret from a file too', async () => {
  const inline = await configOf(gateway('{ port: 1700, secret: another-secret-of-length }'))
  expect(inline.gateways[0]?.disconnect?.port).toBe(1700)
  expect(inline.gateways[0]?.disconnect?.secret.reveal()).toBe('another-secret-of-length')
  const loaded = await load(gateway('{ secret_file: dm.secret }'), (folder) =>
    writeFileSync(folder.file('dm.secret'), 'a-secret-from-a-file\n', { mode: 0o600 }),
  )
  expect('config' in loaded && loaded.config.gateways[0]?.disconnect?.secret.reveal()).toBe(
    'a-secret-from-a-file',
  )
})

test('two secrets are a fault', async () => {
  const [fault] = await faultsOf(gateway('{ secret: a-secret-of-length, secret_file: f }'))
  expect([fault?.path, fault?.suggestion]).toEqual(['gateways[0].disconnect', 'keep one of the two'])
})

test('what cannot work is a fault with its path', async () => {
  for (const [text, path, words] of [
    [gateway('{ secret: short }'), 'gateways[0].disconnect.secret', 'characters'],
    [gateway('{ port: 70000 }'), 'gateways[0].disconnect.port', ''],
    [gateway('{}', '192.0.2.0/24'), 'gateways[0].disconnect', 'network'],
    [gateway('{ prot: 3799 }'), 'gateways[0].disconnect.prot', 'port'],
  ] as const) {
    const fault = await faultOf(text)
    expect(fault.path).toBe(path)
    expect(`${fault.problem} ${fault.suggestion}`).toContain(words)
  }
})
