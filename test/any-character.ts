import fc from 'fast-check'

const MAX_ASCII = 0x7f
const MAX_BEFORE_SURROGATES = 0xd7ff
const MIN_AFTER_SURROGATES = 0xe000
const MAX_CODE_POINT = 0x10_ffff

/**
 * Any character of Unicode, half of them ASCII, for `fc.string({ unit: anyCharacter })`. The library's own units of
 * that kind take a second to be made.
 */
export const anyCharacter: fc.Arbitrary<string> = fc
  .oneof(
    { weight: 2, arbitrary: fc.integer({ min: 0, max: MAX_ASCII }) },
    { weight: 1, arbitrary: fc.integer({ min: MAX_ASCII + 1, max: MAX_BEFORE_SURROGATES }) },
    { weight: 1, arbitrary: fc.integer({ min: MIN_AFTER_SURROGATES, max: MAX_CODE_POINT }) },
  )
  .map((point) => String.fromCodePoint(point))
