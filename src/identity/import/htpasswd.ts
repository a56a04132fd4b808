import { BadLine, nameIn, type Parsed, readLines } from './file-lines.ts'
import { type ImportedUser, verifiableHash } from './imported-user.ts'

/** Reads Apache's password file, `name:hash` (htpasswd(1)). */
export function parseHtpasswd(text: string): Parsed<ImportedUser> {
  return readLines(text, (line) => {
    const [name, hash, ...more] = line.split(':')
    if (more.length > 0)
      throw new BadLine('the line is not of the form name:hash; is this a file of htdigest?')
    if (name === undefined || hash === undefined) throw new BadLine('the line is not of the form name:hash')
    const user = { name: nameIn(name), enabled: true, groups: [] }
    if (hash.trim() === '') throw new BadLine('there is no hash')
    return { ...user, passwordHash: verifiableHash(hash.trim()) }
  })
}
