import { expect, onTestFinished, test } from 'vitest'
import { encodeAttribute } from '../../src/radius/dictionary.ts'
import type { NewAttribute } from '../../src/radius/packet.ts'
import { type Ask, ask } from '../http/ask.ts'
import { startTestBroker } from '../http/test-broker.ts'
import { startBroker } from '../real/broker.ts'
import { addPeople } from '../real/people.ts'
import { accountingRequest, ask as askBroker, loginRequest } from '../real/radius-socket.ts'

const PASSWORD = 'correct horse'
const PLAIN = { second_factor: { mode: 'append', required: false } }
const POOLS = {
  pools: { staff: { ipv4: '10.8.0.0/29' } },
  policies: [{ name: 'staff', reply: { pool: 'staff' } }],
}
const UNUSABLE = ['0.0.0.0', '127.0.0.1', '224.0.0.1', '255.255.255.255', '10.8.0.0', '10.8.0.7']

async function site() {
  const broker = await startBroker({ sections: { ...PLAIN, ...POOLS } })
  onTestFinished(broker.stop)
  await addPeople(broker, [
    { name: 'alice', password: PASSWORD, enrolled: false },
    { name: 'bob', password: PASSWORD, enrolled: false },
    { name: 'carol', password: PASSWORD, enrolled: false, attributes: { ipv4: '10.8.0.2' } },
  ])
  const { authPort, secret } = broker
  const login = (user: string) => askBroker(authPort, loginRequest({ secret, user, password: PASSWORD }))
  return { broker, login }
}

test('a broker that does not come up leaves the pools of the one that runs alone', async () => {
  const { broker, login } = await site()
  expect((await login('alice'))?.ipv4).toBe('10.8.0.3')
  // The ports are taken.
  broker.configure({
    ...PLAIN,
    pools: { staff: { ipv4: '10.9.0.0/29' }, guests: { ipv4: '10.8.0.0/29' } },
    policies: [{ name: 'staff', reply: { pool: 'staff' } }],
  })
  expect(await broker.run(['serve'])).toMatchObject({ code: 1 })
  expect((await login('bob'))?.ipv4).toBe('10.8.0.4')
})

test('a pool that is widened has more addresses, and one that is narrowed gives no other', async () => {
  const { broker, login } = await site()
  expect((await login('alice'))?.ipv4).toBe('10.8.0.3')
  await broker.kill()
  broker.configure({ ...PLAIN, ...POOLS, pools: { staff: { ipv4: '10.8.0.0/29', exclude: ['10.8.0.4'] } } })
  const narrow = await broker.serve()
  expect(await broker.ocbroker(['pool', 'list'])).toEqual([
    { pool: 'staff', family: 'ipv4', size: 3, held: 1 },
  ])
  expect((await login('bob'))?.ipv4).toBe('10.8.0.5')
  await narrow.kill()
  broker.configure({ ...PLAIN, ...POOLS, pools: { staff: { ipv4: '10.8.0.0/28' } } })
  const wide = await broker.serve()
  onTestFinished(wide.stop)
  expect(await broker.ocbroker(['pool', 'list'])).toEqual([
    { pool: 'staff', family: 'ipv4', size: 12, held: 2 },
  ])
})

test('the pool of an address is explained, and examined', async () => {
  const { broker, login } = await site()
  expect(await broker.ocbroker(['explain', 'alice'])).toMatchObject({
    outcome: { kind: 'would_pass' },
    reply: expect.arrayContaining([
      { name: 'Framed-IP-Address', value: 'one of pool staff' },
      { name: 'Framed-IP-Netmask', value: '255.255.255.248' },
    ]),
  })
  expect((await login('carol'))?.ipv4).toBe('10.8.0.2')
  expect(await broker.ocbroker(['explain', 'carol'])).toMatchObject({ outcome: { kind: 'would_pass' } })
  expect(await broker.ocbroker(['doctor'])).toMatchObject({
    findings: expect.arrayContaining([
      { id: 'pools', about: 'pool staff', verdict: 'ok', cause: 'sessions hold 1 of 5 addresses' },
    ]),
  })
})

test('no user is given an address that no client can have, or one of a pool’s network itself', async () => {
  const { broker } = await site()
  const answers = await Promise.all(
    UNUSABLE.map((address) =>
      broker.run(['user', 'add', 'dave', '--password-stdin', '--ipv4', address], { input: `${PASSWORD}\n` }),
    ),
  )
  for (const [index, { code, stderr }] of answers.entries()) {
    expect(code, UNUSABLE[index]).toBe(1)
    expect(stderr).toMatch(
      /^--ipv4: (no client can have|.* is the network or broadcast address of 10\.8\.0\.0\/29)/,
    )
  }
  expect(await broker.ocbroker(['user', 'list'])).toHaveLength(3)

  const fixture = await startTestBroker(POOLS)
  const token = await fixture.token()
  const reason = 'the tests say so'
  const api = (path: string, options: Ask) => ask(`${fixture.url}/api/v1${path}`, { token, ...options })
  expect((await api('/users', { json: { name: 'erin', ipv4: '10.8.0.3', reason } })).status).toBe(201)
  const wrong = { status: 400, json: { errors: [{ path: '/body/ipv4' }] } }
  for (const ipv4 of UNUSABLE) {
    expect(await api('/users', { json: { name: 'frank', ipv4, reason } }), ipv4).toMatchObject(wrong)
    const change = { method: 'PATCH', json: { ipv4, reason } }
    expect(await api('/users/erin', change), ipv4).toMatchObject(wrong)
  }
  expect((await api('/users/erin', {})).json).toMatchObject({ ipv4: '10.8.0.3' })
})

test('Accounting-On ends the sessions of the server that sends it, not those of another of the same gateway', async () => {
  const names = ['fra', 'ber']
  const secret = 'between-gateway-and-broker'
  const gateways = [{ name: 'gw', address: '127.0.0.1', nas_identifier: names, secret }]
  const broker = await startBroker({ sections: { gateways } })
  onTestFinished(broker.stop)
  const report = (from: string, status: string, more: readonly NewAttribute[] = []) =>
    askBroker(
      broker.acctPort,
      accountingRequest(secret, [
        encodeAttribute('Acct-Status-Type', status),
        encodeAttribute('NAS-Identifier', from),
        ...more,
      ]),
    )
  for (const name of names)
    await report(name, 'Start', [
      encodeAttribute('User-Name', 'alice'),
      encodeAttribute('Acct-Session-Id', `of ${name}`),
    ])
  const open = async () =>
    ((await broker.ocbroker(['session', 'list'])) as { acctSession: string }[]).map(
      (each) => each.acctSession,
    )
  expect((await open()).sort()).toEqual(['of ber', 'of fra'])
  expect(await report('fra', 'Accounting-On')).toMatchObject({ code: 'Accounting-Response' })
  expect(await open()).toEqual(['of ber'])
  await report('ber', 'Accounting-Off')
  expect(await open()).toEqual([])
})

test('Accounting-On of a gateway frees the addresses of its sessions', async () => {
  const { broker, login } = await site()
  const { acctPort, secret } = broker
  expect((await login('alice'))?.ipv4).toBe('10.8.0.3')
  const report = async (...attributes: readonly (readonly [string, string | number])[]) => {
    const coded = attributes.map(([name, value]) => encodeAttribute(name, value))
    expect(await askBroker(acctPort, accountingRequest(secret, coded))).toMatchObject({
      code: 'Accounting-Response',
    })
  }
  const session = [
    ['User-Name', 'alice'],
    ['Calling-Station-Id', '[198.51.100.1]:51820'],
    ['Acct-Session-Id', 'before'],
  ] as const
  await report(['Acct-Status-Type', 'Start'], ...session)
  const held = async () => ((await broker.ocbroker(['pool', 'list'])) as { held: number }[])[0]?.held
  expect(await held()).toBe(1)
  await report(['Acct-Status-Type', 'Accounting-On'])
  expect(await held()).toBe(0)
  expect(await broker.ocbroker(['session', 'list', '--all', '--user', 'alice'])).toMatchObject([
    { acctSession: 'before', address: '198.51.100.1', terminateCause: 'NAS-Reboot' },
  ])
  await report(['Acct-Status-Type', 'Start'], ...session)
  expect(await broker.ocbroker(['session', 'list', '--all', '--user', 'alice'])).toHaveLength(2)
})
