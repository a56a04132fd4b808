/** What one attribute holds, and what ocserv reads of a prompt (RFC 2865 §5). */
const MAX_OCTETS = 253

/** ocserv puts the prompt into XML as it is. */
const STAND_INS: Readonly<Record<string, string>> = { '&': '+', '<': '(', '>': ')' }

/**
 * A server's own words for a VPN prompt: one line that every version of ocserv can show, of at most 253 octets.
 * @param messages the values of its Reply-Message attributes, in their order.
 * @returns undefined where nothing is left to show.
 */
export function promptOf(messages: readonly string[]): string | undefined {
  const line = messages
    .join(' ')
    .replace(/[\p{C}\p{Z}]+/gu, ' ')
    .replace(/[&<>]/g, (sign) => STAND_INS[sign] ?? '')
    .trim()
    // ocserv takes what begins so for its own question for the password.
    .replace(/^(password)\s*:/i, '$1')
  const short = shorten(line)
  return short === '' ? undefined : short
}

function shorten(text: string): string {
  let octets = 0
  let kept = ''
  for (const character of text) {
    octets += Buffer.byteLength(character)
    if (octets > MAX_OCTETS) break
    kept += character
  }
  return kept.trimEnd()
}
