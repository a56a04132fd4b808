import { describe, expect, it } from 'vitest'
import type { Gateway } from '../../src/domain/gateway.ts'
import { parseNetwork } from '../../src/domain/network.ts'
import { Secret } from '../../src/domain/secret.ts'
import { encodeAttribute } from '../../src/radius/dictionary.ts'
import { SharedSecret } from '../../src/radius/shared-secret.ts'
import { accessRequest, gatewayStore, OF_OCSERV, serverFixture } from './server-fixture.ts'

const nas = (identifier: string) => encodeAttribute('NAS-Identifier', identifier)
let identifier = 0
const request = (options: Parameters<typeof accessRequest>[0] = {}) => {
  identifier = (identifier + 1) % 256
  return accessRequest({ identifier, ...options })
}
const ofOcserv = (options: { signed?: boolean | 'last'; nas?: string; password?: string } = {}) =>
  request({ ...options, more: [...OF_OCSERV, ...(options.nas === undefined ? [] : [nas(options.nas)])] })

describe('Message-Authenticator under auto', () => {
  it('is demanded from the first valid one of ocserv on, for that address, and that is never forgotten', async () => {
    const memory = gatewayStore()
    const { send, dropped } = await serverFixture({ rule: 'auto', memory })
    expect(await send(ofOcserv())).toBeDefined()
    expect(await send(ofOcserv({ signed: 'last' }))).toBeDefined()
    expect(await send(ofOcserv())).toBeUndefined()
    expect(await send(request()), 'whatever it is made of').toBeUndefined()
    expect(await send(ofOcserv(), { source: '192.0.2.2' })).toBeDefined()
    expect(dropped).toEqual(['no_message_authenticator', 'no_message_authenticator'])
    const { send: afterRestart } = await serverFixture({ rule: 'auto', memory })
    expect(await afterRestart(ofOcserv())).toBeUndefined()
  })

  it.each([
    ['radtest', [encodeAttribute('NAS-Port', 0), encodeAttribute('Framed-Protocol', 'PPP')]],
    ['a probe with a NAS-Identifier', [nas('probe')]],
    ['one that lacks the address of the user', OF_OCSERV.slice(1)],
  ])('is not learned from %s', async (_what, more) => {
    const { send } = await serverFixture({ rule: 'auto' })
    expect(await send(request({ signed: true, more }))).toBeDefined()
    expect(await send(ofOcserv())).toBeDefined()
  })

  it('is learned for the NAS-Identifier alone that came with it', async () => {
    const { send } = await serverFixture({ rule: 'auto' })
    expect(await send(ofOcserv({ signed: true, nas: 'new' }))).toBeDefined()
    expect(await send(ofOcserv({ nas: 'new' }))).toBeUndefined()
    expect(await send(ofOcserv({ nas: 'old' }))).toBeDefined()
    expect(await send(ofOcserv())).toBeDefined()
  })

  it('that is missed in requests of ocserv is an error once a minute, and noted for doctor and desk', async () => {
    const memory = gatewayStore('gw1 192.0.2.1')
    const { send, errors, time } = await serverFixture({ rule: 'auto', memory })
    time.now = 5000
    await send(request())
    expect(errors, 'not of ocserv').toEqual([])
    time.now = 65_000
    for (let count = 0; count < 3; count += 1) await send(ofOcserv())
    expect(errors).toEqual([
      ['gateway.signs_no_more', expect.objectContaining({ gateway: 'gw1', address: '192.0.2.1' })],
    ])
    expect(await memory.signing()).toEqual([{ key: 'gw1 192.0.2.1', unsignedAt: 65_000 }])
  })

  it('is not learned from a forged one', async () => {
    const { send } = await serverFixture({ rule: 'auto' })
    const octets = ofOcserv({ signed: true })
    octets.writeUInt8(octets.readUInt8(30) ^ 1, 30)
    await send(octets)
    expect(await send(ofOcserv())).toBeDefined()
  })

  it('is forgotten where the gateway is set to off', async () => {
    const memory = gatewayStore('gw1 192.0.2.1', 'gw1 192.0.2.1 fra%201', 'gw11 192.0.2.1')
    await serverFixture({ rule: 'off', memory })
    expect(await memory.signing()).toMatchObject([{ key: 'gw11 192.0.2.1' }])
  })
})

describe('gateways behind one address', () => {
  const SECRETS = { one: 'the secret of one', two: 'the secret of two', rest: 'the secret of the rest' }
  const gateways = (gateway: Gateway): Gateway[] =>
    Object.entries(SECRETS).map(([name, secret]) => ({
      ...gateway,
      name,
      secret: new Secret(secret),
      nasIdentifiers: name === 'rest' ? [] : [name],
    }))
  const signedBy = (secret: string, from?: string) =>
    request({
      signed: true,
      secret: new SharedSecret(Buffer.from(secret)),
      more: from === undefined ? [] : [nas(from)],
    })

  it('are told apart by NAS-Identifier, each with its own secret', async () => {
    const { send, attempts } = await serverFixture({ gateways })
    await send(signedBy(SECRETS.one, 'one'))
    await send(signedBy(SECRETS.two, 'two'))
    await send(signedBy(SECRETS.rest, 'three'))
    await send(signedBy(SECRETS.rest))
    expect(attempts.map(({ gateway }) => gateway)).toEqual(['one', 'two', 'rest', 'rest'])
  })

  it('no other secret is tried', async () => {
    const { send, attempts, dropped } = await serverFixture({ gateways })
    expect(await send(signedBy(SECRETS.two, 'one'))).toBeUndefined()
    expect(await send(signedBy(SECRETS.rest, 'two'))).toBeUndefined()
    expect(await send(signedBy(SECRETS.one))).toBeUndefined()
    expect(attempts).toEqual([])
    expect(new Set(dropped)).toEqual(new Set(['bad_message_authenticator']))
  })

  it('an identifier of none of them gets no answer', async () => {
    const named = (gateway: Gateway) => gateways(gateway).filter(({ name }) => name !== 'rest')
    const { send, dropped, warned } = await serverFixture({ gateways: named })
    expect(await send(signedBy(SECRETS.one, 'three'))).toBeUndefined()
    expect(dropped).toEqual(['unknown_gateway'])
    expect(warned).toContainEqual([
      'datagram.dropped',
      expect.objectContaining({ detail: 'NAS-Identifier three' }),
    ])
  })
})

describe('a gateway with a DNS name', () => {
  const named = (gateway: Gateway): Gateway[] => [{ ...gateway, networks: [], hosts: ['gw.example.net'] }]
  const from = (source: string) => ({ source })

  it('is where its name leads, and stays there while the name server does not answer', async () => {
    let answer: () => readonly string[] = () => ['192.0.2.1', '2001:db8::1']
    const { send, time, gateways, errors } = await serverFixture({
      gateways: named,
      lookUp: async () => answer(),
    })
    const lookUpAt = async (now: number) => {
      time.now = now
      // What the timer calls.
      await gateways.lookUpNames()
    }
    expect(await send(request(), from('192.0.2.1'))).toBeDefined()
    expect(await send(request(), from('2001:db8::1'))).toBeDefined()
    expect(await send(request(), from('192.0.2.9'))).toBeUndefined()

    answer = () => ['192.0.2.9']
    await lookUpAt(30_000)
    expect(await send(request(), from('192.0.2.9')), 'too soon').toBeUndefined()
    await lookUpAt(60_000)
    expect(await send(request(), from('192.0.2.9'))).toBeDefined()
    expect(await send(request(), from('192.0.2.1')), 'gone from there').toBeUndefined()

    answer = () => {
      throw new Error('ESERVFAIL')
    }
    await lookUpAt(120_000)
    expect(await send(request(), from('192.0.2.9'))).toBeDefined()
    expect(errors).toContainEqual(['gateway.name_not_found', expect.objectContaining({ error: 'ESERVFAIL' })])

    answer = () => ['192.0.2.1']
    await lookUpAt(125_000)
    expect(await send(request(), from('192.0.2.1')), 'asked again after 5 s').toBeDefined()
  })

  it('that cannot be looked up at the start is found later', async () => {
    let isUp = false
    const lookUp = async () => {
      if (!isUp) throw new Error('EAI_AGAIN')
      return ['192.0.2.1']
    }
    const { send, time, gateways } = await serverFixture({ gateways: named, lookUp })
    expect(await send(request())).toBeUndefined()
    isUp = true
    time.now = 5000
    await gateways.lookUpNames()
    expect(await send(request())).toBeDefined()
  })
})

describe('a link-local gateway', () => {
  const onLink = (gateway: Gateway): Gateway[] => {
    const network = parseNetwork('fe80::1/128') ?? expect.unreachable()
    return [{ ...gateway, networks: [{ ...network, zone: 'eth0' }] }]
  }

  it('is known on its own link only', async () => {
    const { send } = await serverFixture({ gateways: onLink })
    expect(await send(request(), { source: 'fe80::1%eth0' })).toBeDefined()
    expect(await send(request(), { source: 'fe80::1%eth1' })).toBeUndefined()
    expect(await send(request(), { source: 'fe80::2%eth0' })).toBeUndefined()
  })
})
