import { expect, onTestFinished, test } from 'vitest'
import { startBroker } from '../real/broker.ts'
import { addPeople } from '../real/people.ts'
import { ask, loginRequest } from '../real/radius-socket.ts'

const PASSWORD = 'correct horse'
const PLAIN = { second_factor: { mode: 'append', required: false } }
const POOLS = {
  pools: { staff: { ipv4: '10.8.0.0/29' } },
  policies: [{ name: 'staff', reply: { pool: 'staff' } }],
}

async function site() {
  const broker = await startBroker({ sections: { ...PLAIN, ...POOLS } })
  onTestFinished(broker.stop)
  await addPeople(broker, [
    { name: 'alice', password: PASSWORD, enrolled: false },
    { name: 'bob', password: PASSWORD, enrolled: false },
    { name: 'carol', password: PASSWORD, enrolled: false, attributes: { ipv4: '10.8.0.2' } },
  ])
  const { authPort, secret } = broker
  const login = (user: string) => ask(authPort, loginRequest({ secret, user, password: PASSWORD }))
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
  expect(await broker.ocbroker(['pool', 'list'])).toEqual([{ pool: 'staff', size: 3, held: 1 }])
  expect((await login('bob'))?.ipv4).toBe('10.8.0.5')
  await narrow.kill()
  broker.configure({ ...PLAIN, ...POOLS, pools: { staff: { ipv4: '10.8.0.0/28' } } })
  const wide = await broker.serve()
  onTestFinished(wide.stop)
  expect(await broker.ocbroker(['pool', 'list'])).toEqual([{ pool: 'staff', size: 12, held: 2 }])
})

test('what an address comes from is explained, and examined', async () => {
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
      { about: 'pool staff', level: 'good', says: 'sessions hold 1 of 5 addresses' },
    ]),
  })
})
