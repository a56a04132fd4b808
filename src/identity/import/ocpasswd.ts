import { BadLine, nameIn, type Parsed, readLines, visible } from './file-lines.ts'
import { type ImportedUser, verifiableHash } from './imported-user.ts'

/** In place of a hash: the user has no password. */
const NO_PASSWORD: ReadonlySet<string> = new Set(['', '*', '!'])

/** Reads ocserv's own password file, `name:group,group:hash`; `*` are no groups, and `!` before the hash is a lock (ocpasswd(8)). */
export function parseOcpasswd(text: string): Parsed<ImportedUser> {
  return readLines(text, (line) => {
    const [name, groups, hash, ...more] = line.split(':')
    if (name === undefined || groups === undefined || hash === undefined || more.length > 0)
      throw new BadLine('the line is not of the form name:groups:hash')
    const locked = hash.startsWith('!')
    const stored = (locked ? hash.slice(1) : hash).trim()
    const user = { name: nameIn(name), enabled: !locked, groups: groupsIn(groups) }
    if (!locked && stored === '') throw new BadLine('there is no hash')
    return NO_PASSWORD.has(stored) ? user : { ...user, passwordHash: verifiableHash(stored) }
  })
}

function groupsIn(field: string): string[] {
  if (field.trim() === '*') return []
  const groups = field.split(',').map((group) => visible('a group', group.trim()))
  return [...new Set(groups.filter((group) => group !== ''))]
}
