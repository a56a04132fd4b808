import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { filterMaker } from '../../src/identity/ldap/mapping/filter-objects.ts'
import {
  type Placeholder,
  parseFilter,
  TemplateFault,
} from '../../src/identity/ldap/mapping/filter-template.ts'
import { encodeSearch } from '../../src/identity/ldap/wire/requests.ts'
import { anyCharacter } from '../any-character.ts'
import { element, readElements } from '../real/ber.ts'

const KNOWN: readonly Placeholder[] = ['user', 'dn', 'gid']

/** The filter as it goes out, in octets. */
function coded(text: string, filling: Partial<Record<Placeholder, string>> = {}): Buffer | undefined {
  const filter = filterMaker(parseFilter(text, KNOWN))(filling)
  if (filter === undefined) return undefined
  const order = { base: 'dc=x', scope: 'sub', filter, attributes: [], sizeLimit: 2, timeLimit: 1 } as const
  const [message] = readElements(encodeSearch(1, order))
  const [, operation] = readElements(message?.content ?? Buffer.alloc(0))
  const part = readElements(operation?.content ?? Buffer.alloc(0))[6]
  return part && element(part.tag, part.content)
}

const octets = (value: string | Buffer) => element(0x04, value)
const equal = (attribute: string, value: string | Buffer) => element(0xa3, octets(attribute), octets(value))

describe('a filter of the configuration', () => {
  test('goes out as RFC 4511 §4.5.1.7 has it', () => {
    expect(coded('(uid=bob)')).toEqual(equal('uid', 'bob'))
    expect(coded('(&(uid=bob)(!(sn=x)))')).toEqual(
      element(0xa0, equal('uid', 'bob'), element(0xa2, equal('sn', 'x'))),
    )
    expect(coded('(|(uid>=a)(uid<=b)(uid~=c)(mail=*))')).toEqual(
      element(
        0xa1,
        element(0xa5, octets('uid'), octets('a')),
        element(0xa6, octets('uid'), octets('b')),
        element(0xa8, octets('uid'), octets('c')),
        element(0x87, 'mail'),
      ),
    )
    expect(coded('(cn=a*b*c)')).toEqual(
      element(0xa4, octets('cn'), element(0x30, element(0x80, 'a'), element(0x81, 'b'), element(0x82, 'c'))),
    )
    expect(coded('(member:1.2.840.113556.1.4.1941:=cn=a)')).toEqual(
      element(0xa9, element(0x81, '1.2.840.113556.1.4.1941'), element(0x82, 'member'), element(0x83, 'cn=a')),
    )
    expect(coded('(ou:dn:=x)')).toEqual(
      element(0xa9, element(0x82, 'ou'), element(0x83, 'x'), element(0x84, Buffer.from([0xff]))),
    )
  })

  test('has its escapes undone, octets that are no text included', () => {
    expect(coded('(cn=a\\2ab\\28c\\29\\5c)')).toEqual(equal('cn', 'a*b(c)\\'))
    expect(coded('(objectGUID=\\00\\ff)')).toEqual(equal('objectGUID', Buffer.from([0, 255])))
    expect(coded('(cn=Lu\\c4\\8d*)')).toEqual(
      element(0xa4, octets('cn'), element(0x30, element(0x80, 'Luč'))),
    )
  })

  test('may be written without parentheses or over several lines', () => {
    expect(coded('uid=bob')).toEqual(coded('(uid=bob)'))
    expect(coded('(&\n  (uid=bob)\n  (sn=x)\n)\n')).toEqual(coded('(&(uid=bob)(sn=x))'))
  })

  test('is refused where it cannot be meant so', () => {
    for (const text of [
      '',
      '(',
      '()',
      '(uid)',
      '(uid=a',
      '(uid=a))',
      '(uid=a)(sn=b)',
      '(&)',
      '(!(a=b)(c=d))',
      '(=a)',
      '(uid=a\\zz)',
      '(uid={usr})',
      '(cn=\\ff*)',
      '(:=a)',
      '(a:b:c:d:=x)',
      '(uid=a(b)',
      '('.repeat(100),
    ])
      expect(() => parseFilter(text, KNOWN), text).toThrow(TemplateFault)
  })

  test('says what the placeholders are called', () => {
    expect(() => parseFilter('(uid={usr})', KNOWN)).toThrow('{user}, {dn}, {gid}')
  })
})

describe('a name that is filled in', () => {
  test('is one value, whatever it holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter }), (user) => {
        expect(coded('(&(objectClass=person)(uid={user}))', { user })).toEqual(
          element(0xa0, equal('objectClass', 'person'), equal('uid', user)),
        )
      }),
    )
    for (const user of ['*', '*)(uid=*', '\\2a', 'a\0b', '(|(uid=*))', 'x'.repeat(1000), ''])
      expect(coded('(uid={user})', { user })).toEqual(equal('uid', user))
  })

  test('stands between what is fixed', () => {
    expect(coded('(mail={user}@corp.example)', { user: 'bob' })).toEqual(equal('mail', 'bob@corp.example'))
  })

  test('may be missing: the alternative that needs it is left out', () => {
    const posix = '(&(objectClass=posixGroup)(|(memberUid={user})(gidNumber={gid})))'
    expect(coded(posix, { user: 'bob' })).toEqual(
      element(0xa0, equal('objectClass', 'posixGroup'), element(0xa1, equal('memberUid', 'bob'))),
    )
    expect(coded(posix, {})).toBeUndefined()
    expect(coded('(&(a=b)(c={gid}))', {})).toBeUndefined()
    expect(coded('(!(c={gid}))', {})).toBeUndefined()
    expect(coded('(c=*{gid}*)', {})).toBeUndefined()
  })
})
