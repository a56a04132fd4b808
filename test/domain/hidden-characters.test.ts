import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  hiddenCharacterFault,
  hiddenCharacterIn,
  spelledOut,
  spelledOutJson,
} from '../../src/domain/hidden-characters.ts'

describe('a character that nobody sees', () => {
  test.each([
    ['a\u0000', 'U+0000 (NULL)'],
    ['\u001b[2J', 'U+001B (ESCAPE)'],
    ['a\u0085b', 'U+0085 (NEXT LINE)'],
    ['a\u009b31m', 'U+009B (CONTROL SEQUENCE INTRODUCER)'],
    ['a\u0099', 'U+0099 (a control character)'],
    ['so\u00adft', 'U+00AD (SOFT HYPHEN)'],
    ['a\u200bb', 'U+200B (ZERO WIDTH SPACE)'],
    ['a\u200db', 'U+200D (ZERO WIDTH JOINER)'],
    ['\u202ebob', 'U+202E (RIGHT-TO-LEFT OVERRIDE)'],
    ['a\u2028b', 'U+2028 (LINE SEPARATOR)'],
    ['a\u2066b', 'U+2066 (LEFT-TO-RIGHT ISOLATE)'],
    ['\ufeffbob', 'U+FEFF (ZERO WIDTH NO-BREAK SPACE)'],
    ['a\u3164', 'U+3164 (HANGUL FILLER)'],
    ['a\u{e0041}', 'U+E0041 (an invisible character)'],
    ['a\ud800', 'U+D800 (an invisible character)'],
  ])('is named: %j', (text, character) => {
    expect(hiddenCharacterIn(text)).toBe(character)
    expect(hiddenCharacterFault(text)).toBe(`holds ${character}, which cannot be seen: leave it out`)
  })

  test.each([
    '',
    'Ticket 4711: vergessen',
    '用户忘记密码，已核实',
    'اردو میں وجہ',
    'naïve café',
    '⚠️ 🐈',
    'a b',
  ])('is not in %j', (text) => {
    expect(hiddenCharacterFault(text)).toBeUndefined()
    expect(spelledOut(text)).toBe(text)
  })

  test('is written out, and escaped in JSON without a change of the value', () => {
    expect(spelledOut('a\u202eb\n\u009b\u{e0041}')).toBe('a\\u{202e}b\\u{a}\\u{9b}\\u{e0041}')
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(hiddenCharacterIn(spelledOut(text))).toBeUndefined()
        const json = spelledOutJson(JSON.stringify({ [text]: text }, undefined, 2))
        expect(json.split('\n').every((line) => hiddenCharacterIn(line) === undefined)).toBe(true)
        expect(JSON.parse(json)).toEqual({ [text]: text })
      }),
    )
  })
})
