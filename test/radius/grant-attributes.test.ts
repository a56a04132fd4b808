import { describe, expect, test } from 'vitest'
import { Attr } from '../../src/radius/codes.ts'
import { grantAttributes } from '../../src/radius/grant-attributes.ts'

const valuesOf = (reply: Parameters<typeof grantAttributes>[0], type: number) =>
  grantAttributes(reply).flatMap((attribute) => (attribute.type === type ? attribute.value.toString() : []))

describe('the groups of a session', () => {
  const groups = ['a,b', 'c']
  test.each([
    [undefined, ['OU=a,b;c']],
    ['semicolon', ['OU=a,b;c']],
    ['comma', ['OU=a,b,c']],
    ['each', ['OU=a,b', 'OU=c']],
  ] as const)('for a gateway with class: %s are %j', (classForm, classes) => {
    expect(valuesOf({ groups, classForm }, Attr.Class)).toEqual(classes)
  })

  test('go on in another Class where one is full', () => {
    const long = ['x'.repeat(120), 'y'.repeat(120), 'z']
    const full = [`OU=${long[0]},${long[1]},z`]
    expect(valuesOf({ groups: long, classForm: 'comma' }, Attr.Class)).toEqual(full)
    const more = [...long, 'w'.repeat(10)]
    expect(valuesOf({ groups: more, classForm: 'comma' }, Attr.Class)).toEqual([...full, `OU=${more[3]}`])
  })
})

test('an attribute with several values is sent as often', () => {
  const attributes = { 'Framed-Compression': ['None', 1] }
  expect(grantAttributes({ attributes }).map(({ value }) => value.readUInt32BE())).toEqual([0, 1])
})

test('the user’s own address comes before the choice of the gateway', () => {
  const attributes = { 'Framed-IP-Address': '255.255.255.254' }
  const addressOf = (ipv4?: string) =>
    grantAttributes({ ipv4, attributes }).map(({ value }) => value.join('.'))
  expect(addressOf()).toEqual(['255.255.255.254'])
  expect(addressOf('10.8.0.7')).toEqual(['10.8.0.7'])
})

test('of a client’s IPv6 address and its prefix the one comes last that ocserv is to take', () => {
  const typesOf = (delegatedPrefix: string) =>
    grantAttributes({ ipv6: '2001:db8::2', delegatedPrefix }).map(({ type }) => type)
  expect(typesOf('2001:db8::/64')).toEqual([Attr.DelegatedIpv6Prefix, Attr.FramedIpv6Address])
  for (const prefix of ['2001:db8::2/128', '2001:db8::/56'])
    expect(typesOf(prefix)).toEqual([Attr.FramedIpv6Address, Attr.DelegatedIpv6Prefix])
})
