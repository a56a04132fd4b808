/**
 * Characters that nobody sees and that change what is read around them: controls (Cc), format characters with the marks
 * of direction and those without width (Cf), separators of lines and paragraphs, fillers, halves of a surrogate pair.
 */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\u115F\u1160\u3164\uFFA0]|\u034F/u
const ALL_HIDDEN = new RegExp(HIDDEN, 'gu')

/** Names in the Unicode Character Database, or its aliases, of those that are met. */
const NAMES: Readonly<Record<number, string>> = {
  0: 'NULL',
  7: 'ALERT',
  8: 'BACKSPACE',
  9: 'CHARACTER TABULATION',
  10: 'LINE FEED',
  11: 'LINE TABULATION',
  12: 'FORM FEED',
  13: 'CARRIAGE RETURN',
  27: 'ESCAPE',
  127: 'DELETE',
  133: 'NEXT LINE',
  144: 'DEVICE CONTROL STRING',
  155: 'CONTROL SEQUENCE INTRODUCER',
  157: 'OPERATING SYSTEM COMMAND',
  173: 'SOFT HYPHEN',
  847: 'COMBINING GRAPHEME JOINER',
  1564: 'ARABIC LETTER MARK',
  12644: 'HANGUL FILLER',
  8203: 'ZERO WIDTH SPACE',
  8204: 'ZERO WIDTH NON-JOINER',
  8205: 'ZERO WIDTH JOINER',
  8206: 'LEFT-TO-RIGHT MARK',
  8207: 'RIGHT-TO-LEFT MARK',
  8232: 'LINE SEPARATOR',
  8233: 'PARAGRAPH SEPARATOR',
  8234: 'LEFT-TO-RIGHT EMBEDDING',
  8235: 'RIGHT-TO-LEFT EMBEDDING',
  8236: 'POP DIRECTIONAL FORMATTING',
  8237: 'LEFT-TO-RIGHT OVERRIDE',
  8238: 'RIGHT-TO-LEFT OVERRIDE',
  8288: 'WORD JOINER',
  8294: 'LEFT-TO-RIGHT ISOLATE',
  8295: 'RIGHT-TO-LEFT ISOLATE',
  8296: 'FIRST STRONG ISOLATE',
  8297: 'POP DIRECTIONAL ISOLATE',
  65279: 'ZERO WIDTH NO-BREAK SPACE',
}

/** @returns the first of them, as `U+202E (RIGHT-TO-LEFT OVERRIDE)`; undefined where there is none. */
export function hiddenCharacterIn(text: string): string | undefined {
  const code = HIDDEN.exec(text)?.[0].codePointAt(0)
  if (code === undefined) return undefined
  const name = NAMES[code] ?? (code < 0xa0 ? 'a control character' : 'an invisible character')
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')} (${name})`
}

/** @returns what is wrong with a text of people, and the remedy; undefined: nothing. The text is one line of what can be seen. */
export function hiddenCharacterFault(text: string): string | undefined {
  const character = hiddenCharacterIn(text)
  return character && `holds ${character}, which cannot be seen: leave it out`
}

/** The text with each of them written out, as `\u{202e}`: for terminals, files and pages, whatever is stored. */
export function spelledOut(text: string): string {
  return text.replaceAll(ALL_HIDDEN, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
}

/** One line of JSON, or several, in which each of them is escaped, so that the values stay as they are. */
export function spelledOutJson(json: string): string {
  return json.replaceAll(ALL_HIDDEN, (character) =>
    character === '\n' ? character : character.split('').map(escaped).join(''),
  )
}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}
