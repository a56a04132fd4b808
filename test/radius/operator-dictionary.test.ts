import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AttributeError } from '../../src/radius/attribute-value.ts'
import { encodeDefined } from '../../src/radius/defined-attribute.ts'
import { encodeAttribute } from '../../src/radius/dictionary.ts'
import { OperatorDictionary } from '../../src/radius/operator-dictionary.ts'

function read(text: string) {
  const dictionary = new OperatorDictionary()
  const answers = text.split('\n').map((line) => dictionary.readLine(line))
  return {
    dictionary,
    answers: answers.filter((answer) => answer !== undefined),
    end: dictionary.endOfFile(),
  }
}

const ACME = `
# In the syntax of FreeRADIUS …
VENDOR	Acme	32473
BEGIN-VENDOR	Acme
ATTRIBUTE	Acme-Role	1	string
ATTRIBUTE	Acme-Level	2	integer	# a comment
VALUE	Acme-Level	Gold	7
ATTRIBUTE	Acme-Flag	0x03	byte
ATTRIBUTE	Acme-Port	4	short
ATTRIBUTE	Acme-Key	5	string	encrypt=2
ATTRIBUTE	Acme-Tree	6	tlv
BEGIN-TLV	Acme-Tree
ATTRIBUTE	Acme-Leaf	1	string
END-TLV	Acme-Tree
ATTRIBUTE	Acme-Long	300	string
END-VENDOR	Acme
# … and of radcli.
ATTRIBUTE	Acme-Server	7	ipv4addr	Acme
VENDOR	Other	9999	format=2,2
ATTRIBUTE	Other-One	1	string	Other
ATTRIBUTE	Site-Own	200	octets
`

function octetsOf(name: string, value: string | number): string {
  const found = read(ACME).dictionary.find(name)
  if (found === undefined || 'why' in found) throw new Error(`${name} cannot be written`)
  const { type, value: coded } = encodeDefined(name, found, value)
  return `${type} ${coded.toString('hex')}`
}

describe('an operator’s dictionary', () => {
  test('is read without a fault', () => {
    const { answers, end } = read(ACME)
    expect([...answers, end]).toEqual([undefined])
  })

  // The attribute within is type, length, value behind the vendor's number (RFC 2865 §5.26).
  test.each([
    ['Acme-Role', 'ops', '26 00007ed901056f7073'],
    ['Acme-Level', 'Gold', '26 00007ed9020600000007'],
    ['Acme-Level', 9, '26 00007ed9020600000009'],
    ['Acme-Flag', 255, '26 00007ed90303ff'],
    ['Acme-Port', '443', '26 00007ed9040401bb'],
    ['Acme-Server', '192.0.2.1', '26 00007ed90706c0000201'],
    ['Site-Own', 'ab', '200 6162'],
  ])('%s = %s goes as %s', (name, value, octets) => {
    expect(octetsOf(name, value)).toBe(octets)
  })

  test.each([
    ['Acme-Flag', 256, 'from 0 to 255'],
    ['Acme-Port', -1, 'not a whole number'],
    ['Acme-Level', 'Silver', 'nor a name'],
    ['Acme-Server', 'localhost', 'not an IPv4 address'],
    ['Acme-Role', 'x'.repeat(248), '247 is the most'],
    ['Acme-Role', '', 'empty'],
  ])('%s does not take %s', (name, value, problem) => {
    expect(() => octetsOf(name, value)).toThrow(AttributeError)
    expect(() => octetsOf(name, value)).toThrow(problem)
  })

  test.each([
    ['Acme-Key', 'encrypted'],
    ['Acme-Tree', 'type "tlv"'],
    ['Acme-Leaf', 'number'],
    ['Acme-Long', 'number'],
    ['Other-One', 'another format'],
  ])('%s is known, and why no reply holds it', (name, why) => {
    expect(read(ACME).dictionary.find(name)).toEqual({ why: expect.stringContaining(why) })
  })

  test('codes as the broker’s own encoder does, for an attribute of both', () => {
    const one = { vendor: 311, number: 28, type: 'ipaddr' }
    expect(encodeDefined('x', one, '192.0.2.7')).toEqual(
      encodeAttribute('MS-Primary-DNS-Server', '192.0.2.7'),
    )
    const plain = { number: 27, type: 'integer' }
    expect(encodeDefined('x', plain, 77)).toEqual(encodeAttribute('Session-Timeout', 77))
  })

  test.each([
    ['ATRIBUTE a 1 string', 'begins with "ATRIBUTE"'],
    ['ATTRIBUTE a 1', 'ATTRIBUTE name number type'],
    ['ATTRIBUTE a one string', '"one" is not a number'],
    ['VENDOR Acme many', 'VENDOR name number'],
    ['VENDOR Acme 99999999999', 'VENDOR name number'],
    ['BEGIN-VENDOR Nobody', 'no VENDOR "Nobody"'],
    ['END-VENDOR Acme', 'no BEGIN-VENDOR "Acme"'],
    ['$INCLUDE', 'names no file'],
    ['VALUE a b', 'VALUE attribute name number'],
  ])('names what is wrong with: %s', (line, problem) => {
    expect(read(line).answers).toMatchObject([{ problem: expect.stringContaining(problem) }])
  })

  test('tells of a vendor that is never ended', () => {
    expect(read('VENDOR Acme 32473\nBEGIN-VENDOR Acme').end).toBe('BEGIN-VENDOR Acme is never ended')
  })

  test('never throws, whatever a file holds', () => {
    const word = fc.oneof(
      fc.constantFrom('ATTRIBUTE', 'VALUE', 'VENDOR', 'BEGIN-VENDOR', 'END-VENDOR', '$INCLUDE', '__proto__'),
      fc.constantFrom('Acme', '1', '0x1', '26', 'string', 'integer', 'format=1,1', 'has_tag'),
      fc.string({ maxLength: 6 }),
    )
    const lines = fc.array(
      fc.array(word, { maxLength: 5 }).map((words) => words.join(' ')),
      { maxLength: 20 },
    )
    fc.assert(fc.property(lines, (text) => void read(text.join('\n'))))
  })
})
