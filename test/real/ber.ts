/** One element of BER: a tag, its length, and its content. */
export function element(tag: number, ...content: readonly (Buffer | string)[]): Buffer {
  const body = Buffer.concat(content.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)))
  return Buffer.concat([Buffer.from([tag]), lengthOctets(body.length), body])
}

export function integer(value: number, tag = 0x02): Buffer {
  const octets = Buffer.alloc(4)
  octets.writeInt32BE(value)
  let first = 0
  while (first < 3 && octets[first] === 0 && (octets[first + 1] ?? 0) < 0x80) first += 1
  return element(tag, octets.subarray(first))
}

function lengthOctets(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length])
  const octets = Buffer.from([length >>> 24, length >>> 16, length >>> 8, length])
  const shortest = octets.subarray(octets.findIndex((octet) => octet !== 0))
  return Buffer.concat([Buffer.from([0x80 | shortest.length]), shortest])
}

export interface Element {
  readonly tag: number
  readonly content: Buffer
  /** Octets with tag and length. */
  readonly whole: number
}

/** Reads what an honest client sends. @returns undefined where not all of it is there, or it is no BER. */
export function readElement(octets: Buffer): Element | undefined {
  const [tag, first] = octets
  if (tag === undefined || first === undefined) return undefined
  const count = first < 0x80 ? 0 : first & 0x7f
  if (octets.length < 2 + count || count > 4) return undefined
  const start = 2 + count
  const length = count === 0 ? first : octets.readUIntBE(2, count)
  if (octets.length < start + length) return undefined
  return { tag, content: octets.subarray(start, start + length), whole: start + length }
}

export function readElements(octets: Buffer): readonly Element[] {
  const elements: Element[] = []
  for (let rest = octets; rest.length > 0; ) {
    const next = readElement(rest)
    if (next === undefined) throw new Error('not BER')
    elements.push(next)
    rest = rest.subarray(next.whole)
  }
  return elements
}
