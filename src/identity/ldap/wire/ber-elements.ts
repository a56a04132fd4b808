/** Elements, one after the other; undefined where a length does not fit. 389 writes each length in five octets. */
export function elementsOf(octets: Buffer): readonly { tag: number; content: Buffer }[] | undefined {
  const elements: { tag: number; content: Buffer }[] = []
  for (let at = 0; at < octets.length; ) {
    const first = octets[at + 1] ?? 0x80
    const more = first < 0x80 ? 0 : first & 0x7f
    const start = at + 2 + more
    if (first === 0x80 || more > 4 || start > octets.length) return undefined
    const end = start + (more === 0 ? first : octets.readUIntBE(at + 2, more))
    if (end > octets.length) return undefined
    elements.push({ tag: octets[at] ?? 0, content: octets.subarray(start, end) })
    at = end
  }
  return elements
}
