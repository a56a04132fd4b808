import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseBindName } from '../../src/identity/ldap/mapping/bind-name.ts'
import { comparableDn, escapeDnValue, parseDn } from '../../src/identity/ldap/mapping/distinguished-name.ts'
import { parseFilter } from '../../src/identity/ldap/mapping/filter-template.ts'
import {
  matchersInFilter,
  matchersInName,
  matchesName,
  ownName,
} from '../../src/identity/ldap/mapping/name-matcher.ts'
import { anyCharacter } from '../any-character.ts'

describe('a distinguished name', () => {
  test('is read as RFC 4514 §4 has it', () => {
    expect(parseDn('UID=jsmith,DC=example,DC=net')).toEqual([
      [['uid', 'jsmith']],
      [['dc', 'example']],
      [['dc', 'net']],
    ])
    expect(parseDn('OU=Sales+CN=J.  Smith,DC=example')?.[0]).toEqual([
      ['ou', 'Sales'],
      ['cn', 'J.  Smith'],
    ])
    expect(parseDn('CN=James \\"Jim\\" Smith\\, III,DC=example')?.[0]?.[0]?.[1]).toBe(
      'James "Jim" Smith, III',
    )
    expect(parseDn('CN=Before\\0dAfter,DC=example')?.[0]?.[0]?.[1]).toBe('Before\rAfter')
    expect(parseDn('CN=Lu\\C4\\8Di\\C4\\87')?.[0]?.[0]?.[1]).toBe('Lučić')
    expect(parseDn('1.3.6.1.4.1.1466.0=#04024869')?.[0]?.[0]).toEqual(['1.3.6.1.4.1.1466.0', '#04024869'])
  })

  test('is none where it is cut short, unescaped or no text', () => {
    for (const text of [
      'cn',
      'cn=a,',
      'cn=a,b',
      '=a',
      'cn=a\\',
      'cn="a"b',
      'cn=a<b',
      'cn=\\ff',
      'cn=a,,dc=b',
    ])
      expect(parseDn(text), text).toBeUndefined()
  })

  test('is compared without regard to case, blanks and escapes', () => {
    const name = comparableDn('cn=Staff\\2C all , OU=Groups,dc=Example')
    expect(comparableDn('CN=staff\\, ALL,ou=groups,dc=example')).toBe(name)
    expect(comparableDn('CN=staff,CN= all,ou=groups,dc=example')).not.toBe(name)
    expect(comparableDn('cn=a+ou=b,dc=c')).toBe(comparableDn('ou=B+cn=A,dc=c'))
  })

  // Control characters are in no name.
  test('keeps any value whole that was escaped into it', () => {
    const anything = fc.string({ unit: anyCharacter, minLength: 1 }).filter((value) => !/\p{Cc}/u.test(value))
    fc.assert(
      fc.property(anything, (value) => {
        expect(parseDn(`uid=${escapeDnValue(value)},dc=x`)).toEqual([[['uid', value]], [['dc', 'x']]])
      }),
    )
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...' #,+"\\<>;=\0a'), minLength: 1 }), (value) => {
        expect(parseDn(`uid=${escapeDnValue(value)},dc=x`)).toEqual([[['uid', value]], [['dc', 'x']]])
      }),
    )
  })
})

describe('the name to bind with', () => {
  test('holds a user’s name as one value, whatever signs are in it', () => {
    const { isDn, of } = parseBindName('uid={user},ou=people,dc=example')
    expect(isDn).toBe(true)
    expect(of('bob')).toBe('uid=bob,ou=people,dc=example')
    expect(parseDn(of('bob,ou=admins'))).toEqual(
      parseDn('uid=x,ou=people,dc=example')?.with(0, [['uid', 'bob,ou=admins']]),
    )
  })

  test('may be one of Active Directory’s', () => {
    expect(parseBindName('{user}@corp.example').of('bob')).toBe('bob@corp.example')
    const { isDn, of } = parseBindName('CORP\\{user}')
    expect([isDn, of('bob')]).toEqual([false, 'CORP\\bob'])
  })

  test('keeps the backslashes of its own', () => {
    expect(parseBindName('uid={user},ou=R\\, D,dc=x').of('bob')).toBe('uid=bob,ou=R\\, D,dc=x')
  })

  test('must say where the user’s name belongs, and know the word for it', () => {
    expect(() => parseBindName('uid=bob,dc=x')).toThrow('{user}')
    expect(() => parseBindName('uid={name},dc=x')).toThrow('{name}')
  })
})

describe('an entry', () => {
  const claims = matchersInFilter(
    parseFilter('(&(objectClass=user)(|(sAMAccountName={user})(userPrincipalName={user}@corp.example)))', [
      'user',
    ]),
  )
  const entry = (sam: string, upn = '') =>
    new Map([
      ['samaccountname', [sam]],
      ['userprincipalname', [upn]],
    ])

  test('bears a name that one of its attributes holds, in whatever case', () => {
    expect(matchesName(entry('Bob'), claims, 'bob')).toBe(true)
    expect(matchesName(entry('rsmith', 'Bob@Corp.Example'), claims, 'bob')).toBe(true)
    expect(matchesName(entry('ＢＯＢ'), claims, 'bob')).toBe(true)
  })

  test('does not bear one that a directory only takes for it', () => {
    for (const other of ['böb', 'bob\u00ad', 'b ob', 'rsmith@corp.example'])
      expect(matchesName(entry('bob', 'rsmith@corp.example'), claims, other), other).toBe(false)
  })

  test('is known by one name, whichever of them it was found by', () => {
    expect(ownName('cn=Bob,dc=x', entry('RSmith', 'Bob@corp.example'), claims)).toBe('rsmith')
    const byUpn = entry('', 'Bob@Corp.Example')
    expect(ownName('cn=Bob,dc=x', byUpn, claims), 'the first attribute that holds any').toBe('bob')
    expect(ownName('cn=Bob,dc=x', entry('', 'bob@elsewhere.example'), claims)).toBeUndefined()
    const two = new Map([['uid', ['zoe', 'ann', 'Bob']]])
    const uid = matchersInFilter(parseFilter('(uid={user})', ['user']))
    expect(ownName('uid=bob,dc=x', two, uid), 'that of its distinguished name').toBe('bob')
    expect(ownName('cn=x,dc=x', two, uid), 'the first in their order, however they come').toBe('ann')
    expect(ownName('cn=x,dc=x', two, []), 'no name is asked for').toBeUndefined()
  })

  test('bears the name that its own distinguished name was made of', () => {
    const named = matchersInName('uid={user},ou=people,dc=example')
    expect(matchesName(new Map([['uid', ['bob']]]), named, 'bob')).toBe(true)
    expect(matchesName(new Map([['uid', ['bob']]]), named, 'böb')).toBe(false)
  })
})
