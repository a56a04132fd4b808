import { describe, expect, test } from 'vitest'
import { GATEWAY, warningsOf } from './loading.ts'

const told = async (text: string) =>
  (await warningsOf(text)).map(({ path, suggestion }) => `${path}: ${suggestion}`)

describe('a network without a mask', () => {
  test('is a warning at each place where its address looks like one', async () => {
    const text = `
gateways: [{ name: gw1, address: [192.0.2.0, 198.51.100.7], secret: a-secret-of-good-length }]
http: { allow: [10.0.0.0, 127.0.0.1], tls: { cert_file: c, key_file: k } }
lockout: { exempt: ["2001:db8::", 10.1.0.0/16] }
policies: [{ name: staff, when: { networks: [172.16.0.0] }, reply: {} }]`
    expect(await told(text)).toEqual([
      'gateways[0].address[0]: write 192.0.2.0/24, or 192.0.2.0/32 for the one address',
      'http.allow[0]: write 10.0.0.0/8, or 10.0.0.0/32 for the one address',
      'lockout.exempt[0]: write 2001:db8::/64, or 2001:db8::/128 for the one address',
      'policies[0].when.networks[0]: write 172.16.0.0/16, or 172.16.0.0/32 for the one address',
    ])
  })

  test('is none where the mask is written, or the address is a host’s', async () => {
    const text = `gateways: [{ name: gw1, address: [192.0.2.0/32, 192.0.2.10, "2001:db8::1"], secret: a-secret-of-good-length }]`
    expect(await told(text)).toEqual([])
  })
})

describe('a name server', () => {
  const policy = (reply: object) =>
    `${GATEWAY}policies: [${JSON.stringify({ name: 'staff', reply: { ...reply } })}]`

  test('to which no route of its policy leads is a warning', async () => {
    const reply = {
      routes: ['10.0.0.0/8', '2001:db8::/32'],
      dns: ['10.0.0.53', '192.0.2.53', '2001:db9::53'],
    }
    expect(await told(policy(reply))).toEqual([
      'policies[0].reply.dns[1]: add 192.0.2.53/32 to routes',
      'policies[0].reply.dns[2]: add 2001:db9::53/128 to routes',
    ])
  })

  test.each([
    [{ dns: ['192.0.2.53'] }],
    [{ routes: [], dns: ['192.0.2.53'] }],
    [{ routes: ['0.0.0.0/0'], dns: ['192.0.2.53'] }],
  ])('of %j is reached', async (reply) => {
    expect(await told(policy(reply))).toEqual([])
  })
})

test('a pool in the network of a gateway is a warning, unless it is excluded', async () => {
  const text = (exclude: readonly string[]) => `
gateways: [{ name: gw1, address: 10.8.0.0/24, secret: a-secret-of-good-length }]
pools: { staff: { ipv4: 10.8.0.0/22, exclude: ${JSON.stringify(exclude)} } }
policies: [{ name: staff, reply: { pool: staff } }]`
  expect(await told(text([]))).toEqual([
    expect.stringMatching(/^pools\.staff: name the gateway’s own address/),
  ])
  expect(await told(text(['10.8.0.0/24']))).toEqual([])
})
