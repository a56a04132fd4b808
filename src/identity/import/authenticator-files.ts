import { isUtf8 } from 'node:buffer'
import { constants, type Stats } from 'node:fs'
import { type FileHandle, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { hiddenCharacterFault } from '../../domain/hidden-characters.ts'
import { BadLine } from './file-lines.ts'
import type { AuthenticatorFile } from './google-authenticator.ts'

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants
const FILE = '.google_authenticator'
/** Many times what the program writes. */
const MAX_OCTETS = 64 * 1024
const WRITABLE_BY_OTHERS = 0o022

/**
 * Reads `.google_authenticator` in each home of a folder, in the order of the names; homes without one are left out. The
 * homes belong to their users and the reader is root: no symbolic link is followed, and only a regular file of the
 * home's owner is read.
 * @throws Error where the folder cannot be read.
 */
export async function readHomes(folder: string): Promise<AuthenticatorFile[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const homes = entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
  const files: AuthenticatorFile[] = []
  for (const { name } of homes.toSorted((one, other) => (one.name < other.name ? -1 : 1))) {
    const content = await orBadLine(readHome(join(folder, name)))
    const path = join(folder, name, FILE)
    const place = hiddenCharacterFault(path) === undefined ? path : JSON.stringify(path)
    if (content !== undefined) files.push({ user: name, content, place, line: files.length + 1 })
  }
  return files
}

/** Reads one file of a user's, wherever it is; a symbolic link is not followed. */
export async function readAuthenticatorFile(path: string, user: string): Promise<AuthenticatorFile> {
  const reading = opened(path, O_RDONLY | O_NONBLOCK, (file) => textOf(file))
  return {
    user,
    content: (await orBadLine(reading)) ?? new BadLine('there is no such file'),
    line: 1,
    place: path,
  }
}

function readHome(home: string): Promise<string | undefined> {
  return opened(home, O_RDONLY | O_DIRECTORY, async (folder) => {
    const { uid } = await folder.stat()
    // By way of the open folder: its owner may put another in its place at any moment.
    const inside = `/proc/self/fd/${folder.fd}/${FILE}`
    return opened(inside, O_RDONLY | O_NONBLOCK, (file) => textOf(file, uid))
  })
}

/** @returns undefined where there is nothing of the name. @throws BadLine */
async function opened<T>(
  path: string,
  flags: number,
  use: (file: FileHandle) => Promise<T>,
): Promise<T | undefined> {
  let file: FileHandle
  try {
    file = await open(path, flags | O_NOFOLLOW)
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT') return undefined
    if (code === 'ELOOP' || code === 'ENOTDIR') throw new BadLine('a symbolic link is not followed')
    throw new BadLine(`it cannot be read: ${code}`)
  }
  try {
    return await use(file)
  } finally {
    await file.close()
  }
}

/** @param owner who must own it. @throws BadLine */
async function textOf(file: FileHandle, owner?: number): Promise<string> {
  const stats = await file.stat()
  const fault = faultOf(stats, owner)
  if (fault !== undefined) throw new BadLine(fault)
  const octets = Buffer.alloc(MAX_OCTETS)
  const { bytesRead } = await file.read(octets, 0, MAX_OCTETS, 0)
  const text = octets.subarray(0, bytesRead)
  if (!isUtf8(text)) throw new BadLine('it is not written in UTF-8')
  return text.toString('utf8')
}

function faultOf(stats: Stats, owner = stats.uid): string | undefined {
  if (!stats.isFile()) return 'it is not a regular file'
  if (stats.uid !== owner) return 'it belongs to another account than the home'
  if ((stats.mode & WRITABLE_BY_OTHERS) !== 0) return 'accounts other than its owner may write it'
  if (stats.size > MAX_OCTETS) return `it has over ${MAX_OCTETS} octets`
  return undefined
}

async function orBadLine<T>(reading: Promise<T>): Promise<T | BadLine> {
  try {
    return await reading
  } catch (error) {
    if (error instanceof BadLine) return error
    throw error
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
