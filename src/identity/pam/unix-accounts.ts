import { readFile, stat } from 'node:fs/promises'

export interface UnixAccountFiles {
  /** `/etc/passwd`, or a file of that form. */
  readonly passwdFile: string
  /** `/etc/group`, or a file of that form. */
  readonly groupFile: string
}

interface Tables {
  /** Each user's own group, by number. */
  readonly primaryGroups: ReadonlyMap<string, string>
  readonly groupNames: ReadonlyMap<string, string>
  /** The groups that name a user among their members. */
  readonly memberships: ReadonlyMap<string, readonly string[]>
}

/** The system's users and groups, as its files have them; they are read again when they change. */
export class UnixAccounts {
  readonly #files: UnixAccountFiles
  #stamp = ''
  #tables: Promise<Tables> | undefined

  constructor(files: UnixAccountFiles) {
    this.#files = files
  }

  /** @returns the names of the user's groups, their own first; undefined where there is no such user. @throws Error of the file system. */
  async groupsOf(user: string): Promise<readonly string[] | undefined> {
    const { primaryGroups, groupNames, memberships } = await this.#current()
    const primary = primaryGroups.get(user)
    if (primary === undefined) return undefined
    const own = groupNames.get(primary)
    const others = memberships.get(user) ?? []
    return own === undefined ? others : [...new Set([own, ...others])]
  }

  async #current(): Promise<Tables> {
    const stamp = await this.#stampNow()
    if (this.#tables === undefined || stamp !== this.#stamp) {
      const reading = this.#read()
      // A failed reading is not kept: the next login tries again.
      reading.catch(() => {
        if (this.#tables === reading) this.#tables = undefined
      })
      this.#tables = reading
      this.#stamp = stamp
    }
    return this.#tables
  }

  /** Tools replace these files by renaming a new one over them, so the inode tells as much as the times. */
  async #stampNow(): Promise<string> {
    const files = await Promise.all([this.#files.passwdFile, this.#files.groupFile].map((file) => stat(file)))
    return files.map(({ ino, size, mtimeMs, ctimeMs }) => `${ino} ${size} ${mtimeMs} ${ctimeMs}`).join(' ')
  }

  async #read(): Promise<Tables> {
    const [passwd, group] = await Promise.all([
      readFile(this.#files.passwdFile, 'utf8'),
      readFile(this.#files.groupFile, 'utf8'),
    ])
    return tablesOf(passwd, group)
  }
}

/** `name:password:uid:gid:…` and `name:password:gid:member,member` (passwd(5), group(5)). The first line of a name counts. */
function tablesOf(passwd: string, group: string): Tables {
  const primaryGroups = new Map<string, string>()
  for (const [user, , , gid] of entries(passwd)) {
    if (user !== undefined && gid !== undefined && !primaryGroups.has(user)) primaryGroups.set(user, gid)
  }
  const groupNames = new Map<string, string>()
  const memberships = new Map<string, string[]>()
  for (const [name, , gid, members] of entries(group)) {
    if (name === undefined || gid === undefined) continue
    if (!groupNames.has(gid)) groupNames.set(gid, name)
    for (const member of (members ?? '').split(',')) {
      const groups = memberships.get(member)
      if (groups === undefined) memberships.set(member, [name])
      else groups.push(name)
    }
  }
  return { primaryGroups, groupNames, memberships }
}

function entries(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'))
}
