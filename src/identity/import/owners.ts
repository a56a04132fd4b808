import { BadLine, type ImportFault, nameIn, type Place, readEach } from './file-lines.ts'
import { tableIn } from './table.ts'

/** Whose each token is, where the file with the seeds names tokens by their serial numbers alone. */
export interface Owners {
  /** @returns the owner's name, canonical. @throws BadLine where none is told. */
  of(serial: string | undefined): string
}

interface Owned extends Place {
  readonly serial?: string
  /** Absent: nobody's. */
  readonly user?: string
}

/** LinOTP's and privacyIDEA's lists of tokens among them. */
const HEADS: ReadonlyMap<string, 'serial' | 'user'> = new Map([
  ['serial', 'serial'],
  ['serial number', 'serial'],
  ['linotp.tokenserialnumber', 'serial'],
  ['user', 'user'],
  ['username', 'user'],
  ['user.username', 'user'],
  ['owner', 'user'],
])

/**
 * Reads a table with a serial number and its user in each line, or a list of tokens as the API of LinOTP (`/admin/show`)
 * or of privacyIDEA (`/token/`) answers it.
 * @returns the faults where there are any. @throws BadLine where it is neither.
 */
export function ownersIn(text: string): Owners | { readonly faults: readonly ImportFault[] } {
  const tokens = text.trimStart().startsWith('{') ? answeredIn(text) : rowsIn(text)
  const { entries, faults } = readEach(tokens, ({ serial, user = '' }) => {
    if (serial === undefined) throw new BadLine('there is no serial number')
    return { name: serial, owner: user === '' ? undefined : nameIn(user) }
  })
  if (faults.length > 0) return { faults }
  const owners = new Map(entries.map(({ name, owner }) => [name, owner]))
  return {
    of(serial) {
      if (serial === undefined) throw new BadLine('there is no serial number')
      const owner = owners.get(serial)
      if (owner === undefined) throw new BadLine(`the list of owners names no user of the token ${serial}`)
      return owner
    },
  }
}

/** @throws BadLine */
function rowsIn(text: string): Owned[] {
  const { head, rows } = tableIn(text, { heads: HEADS, usual: ['serial', 'user'] })
  if (head !== undefined && !(head.columns.includes('serial') && head.columns.includes('user')))
    throw new BadLine('the head names no column serial, or no column user')
  const columns = head?.columns.length ?? 2
  return rows.map(({ line, width, fields }) => {
    // In a line that was cut at the wrong places, another's name would stand where the user is looked for.
    if (width !== columns) throw new BadLine(`line ${line} has ${width} fields in place of ${columns}`)
    return { line, ...fields }
  })
}

/** @throws BadLine */
function answeredIn(text: string): Owned[] {
  const value = within(within(parsed(text), 'result'), 'value')
  const list = within(value, 'data') ?? within(value, 'tokens')
  if (!Array.isArray(list)) throw new BadLine('this is not a list of tokens of LinOTP or privacyIDEA')
  return list.map((token: unknown, index) => ({
    line: 1,
    place: `token ${index + 1}`,
    serial: textIn(token, 'LinOtp.TokenSerialnumber') ?? textIn(token, 'serial'),
    user: textIn(token, 'User.username') ?? textIn(token, 'username'),
  }))
}

/** @throws BadLine */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new BadLine('this is not JSON')
  }
}

function within(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
}

function textIn(value: unknown, key: string): string | undefined {
  const found = within(value, key)
  return typeof found === 'string' ? found : undefined
}
