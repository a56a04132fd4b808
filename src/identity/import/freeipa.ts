import { BadLine, nameIn, type Parsed, type Place, readEach } from './file-lines.ts'
import {
  algorithmIn,
  counterIn,
  digitsIn,
  driftIn,
  type ImportedToken,
  periodIn,
  seedOf,
  tokenKey,
} from './imported-token.ts'

/** An entry of LDIF: values by the names of their attributes in lower case; `line` is that of its `dn`. */
interface Entry extends Place {
  readonly values: ReadonlyMap<string, Buffer>
}

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/**
 * Reads the tokens of FreeIPA as LDIF (RFC 2849), as ldapsearch(1) writes them. Entries without `ipatokenOTPkey` are
 * left out.
 */
export function parseFreeIpa(text: string): Parsed<ImportedToken> {
  const tokens = entriesIn(text).filter(({ values }) => values.has('ipatokenotpkey'))
  return readEach(tokens, tokenIn, tokenKey)
}

/** @throws BadLine */
function tokenIn({ values }: Entry): ImportedToken {
  const text = (name: string) => values.get(name)?.toString('utf8').trim()
  if (text('ipatokendisabled')?.toUpperCase() === 'TRUE') throw new BadLine('the token is disabled')
  const [, owner] = /^uid=([^,+\\]+)/i.exec(text('ipatokenowner') ?? '') ?? []
  if (owner === undefined) throw new BadLine('no ipatokenOwner names the user by uid')
  const counter = text('ipatokenhotpcounter')
  const step = text('ipatokentotptimestep')
  if (counter === undefined && step === undefined)
    throw new BadLine('there is neither ipatokenTOTPtimeStep nor ipatokenHOTPcounter')
  return {
    name: nameIn(owner.trim()),
    kind: step === undefined ? 'hotp' : 'totp',
    seed: seedOf(values.get('ipatokenotpkey') ?? Buffer.alloc(0)),
    digits: digitsIn(text('ipatokenotpdigits') ?? '6'),
    period: periodIn(step ?? '30'),
    algorithm: algorithmIn(text('ipatokenotpalgorithm') ?? 'sha1'),
    lastStep: step === undefined ? counterIn(counter ?? '') - 1 : -1,
    driftMs:
      step === undefined ? 0 : driftIn('ipatokenTOTPclockOffset', text('ipatokentotpclockoffset') ?? '0'),
  }
}

function entriesIn(text: string): Entry[] {
  const entries: { line: number; values: Map<string, Buffer> }[] = []
  for (const { line, content } of unfolded(text)) {
    const [, name = '', colons = ':', value = ''] = /^([^:]+)(::?) *(.*)$/.exec(content) ?? []
    if (name.toLowerCase() === 'dn') entries.push({ line, values: new Map() })
    const octets = colons === '::' && BASE64.test(value) ? Buffer.from(value, 'base64') : Buffer.from(value)
    entries.at(-1)?.values.set(name.toLowerCase(), octets)
  }
  return entries
}

/** Lines without comments, a line that begins with a blank being the rest of the one before (RFC 2849 §2). */
function unfolded(text: string): { readonly line: number; content: string }[] {
  const lines: { readonly line: number; content: string }[] = []
  for (const [index, content] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const before = lines.at(-1)
    if (content.startsWith(' ') && before !== undefined) before.content += content.slice(1)
    else lines.push({ line: index + 1, content })
  }
  return lines.filter(({ content }) => content !== '' && !content.startsWith('#'))
}
