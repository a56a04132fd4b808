import { describe, expect, test } from 'vitest'
import { load } from './loading.ts'

const TLS = 'radius: { tls: { cert_file: c.pem, key_file: k.pem, ca_file: a.pem } }'
const DIGITS = '0123456789abcdef'.repeat(4)

function gateway(fields: string, radius = TLS): string {
  return `${radius}\ngateways: [{ name: gw1, ${fields} }]\npolicies: [{ name: all, reply: {} }]\n`
}

async function faultsOf(text: string): Promise<readonly string[]> {
  const loaded = await load(text)
  return 'faults' in loaded ? loaded.faults.map(({ path, problem }) => `${path} ${problem}`) : []
}

describe('gateways over TLS', () => {
  test('need neither address nor secret, and are recognised by names, addresses and fingerprints', async () => {
    const pin = (DIGITS.match(/../g) ?? []).join(':').toUpperCase()
    const loaded = await load(
      gateway(`certificate: [GW1.example.net, 192.0.2.1, "2001:DB8::1", "sha256:${pin}"]`),
    )
    if (!('config' in loaded)) throw new Error(JSON.stringify(loaded.faults))
    expect(loaded.config.gateways).toMatchObject([
      {
        secret: undefined,
        networks: [],
        certificates: [
          { kind: 'dns', name: 'gw1.example.net' },
          { kind: 'ip', name: '192.0.2.1' },
          { kind: 'ip', name: '2001:db8::1' },
          { kind: 'sha256', name: DIGITS },
        ],
      },
    ])
    expect(loaded.config.radius.tls).toMatchObject({
      port: 2083,
      addresses: ['127.0.0.1'],
      versions: ['1.0', '1.1'],
    })
  })

  const FAULTS: readonly (readonly [string, string, string | undefined, string])[] = [
    [
      'no address without a certificate',
      'secret: a-secret-of-good-length',
      undefined,
      'gateways[0].address is missing',
    ],
    ['no secret without a certificate', 'address: 192.0.2.1', undefined, 'gateways[0] has no shared secret'],
    ['no radius.tls', 'certificate: gw1.example', 'radius: {}', 'gateways[0].certificate needs radius.tls'],
    ['a wildcard', 'certificate: "*.example.net"', undefined, 'is not a name in a certificate'],
    [
      'a leading dot, which would stand for all names below',
      'certificate: .example.net',
      undefined,
      'is not a name',
    ],
    ['a short fingerprint', 'certificate: "sha256:0123"', undefined, 'is not a name in a certificate'],
    [
      'a secret that comes from nowhere',
      'certificate: gw1.example, secret: a-secret-of-good-length',
      undefined,
      'gateways[0] has a shared secret, and no address',
    ],
    [
      'a Disconnect-Request that can go nowhere',
      'certificate: gw1.example, disconnect: { secret: a-secret-of-good-length }',
      undefined,
      'gateways[0].disconnect the gateway has no address',
    ],
    [
      'a Disconnect-Request that nothing signs',
      'certificate: gw1.example, address: 192.0.2.1, disconnect: {}',
      undefined,
      'gateways[0].disconnect has no shared secret',
    ],
    [
      'the port of HTTP',
      'certificate: gw1.example',
      `${TLS.replace('tls: {', 'tls: { port: 8080,')}\nhttp: {}`,
      'radius.tls.port http has port 8080 too',
    ],
  ]

  test.each(FAULTS)('are refused for %s', async (_, fields, radius, problem) => {
    expect((await faultsOf(gateway(fields, radius))).join('\n')).toContain(problem)
  })

  test('may share a certificate if they are told apart by NAS-Identifier', async () => {
    const two = (one: string, other: string) =>
      gateway(`certificate: proxy.example${one} }, { name: gw2, certificate: PROXY.example${other}`)
    expect(await faultsOf(two('', ''))).toEqual([
      'gateways[1].certificate proxy.example belongs to gateway gw1 and to gateway gw2',
    ])
    expect(await faultsOf(two(', nas_identifier: gw1', ', nas_identifier: gw2'))).toEqual([])
  })

  test('are missed where there is a port for them', async () => {
    const loaded = await load(gateway('address: 192.0.2.1, secret: a-secret-of-good-length'))
    expect(loaded.warnings).toMatchObject([
      { path: 'radius.tls', problem: expect.stringContaining('no gateway') },
    ])
  })
})
