import fc from 'fast-check'

const HIGHEST_ASCII = 0x7f
const HIGHEST_BEFORE_SURROGATES = 0xd7ff
const LOWEST_BEHIND_SURROGATES = 0xe000
const HIGHEST = 0x10_ffff

/**
 * Any character of Unicode, half of them ASCII, for `fc.string({ unit: anyCharacter })`. The library's own units of
 * that kind take a second to be made.
 */
export const anyCharacter: fc.Arbitrary<string> = fc
  .oneof(
    { weight: 2, arbitrary: fc.integer({ min: 0, max: HIGHEST_ASCII }) },
    { weight: 1, arbitrary: fc.integer({ min: HIGHEST_ASCII + 1, max: HIGHEST_BEFORE_SURROGATES }) },
    { weight: 1, arbitrary: fc.integer({ min: LOWEST_BEHIND_SURROGATES, max: HIGHEST }) },
  )
  .map((point) => String.fromCodePoint(point))
