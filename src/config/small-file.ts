import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { ValueError } from '../schema/config-error.ts'

/**
 * Docker and Podman mount secrets here, for one container alone and by default readable by every user in it. With a
 * slash at the end.
 */
export const CONTAINER_SECRETS: readonly string[] = ['/run/secrets/', '/var/run/secrets/']

export class FileError extends ValueError {
  readonly isMissing: boolean

  constructor(label: string, error: unknown) {
    super(`${label} cannot be read: ${systemMessage(error)}`)
    this.isMissing = systemCode(error) === 'ENOENT'
  }
}

interface SmallFile {
  readonly content: Buffer
  readonly mode: number
}

/**
 * @param label how messages name the file.
 * @returns FileError if the system refuses, ValueError if it is no regular file or larger than `maxOctets`.
 */
export async function readSmallFile(
  path: string,
  maxOctets: number,
  label = path,
): Promise<SmallFile | ValueError> {
  let file: FileHandle
  try {
    // Without O_NONBLOCK, opening a named pipe would block.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    return new FileError(label, error)
  }
  try {
    const stats = await file.stat()
    if (!stats.isFile()) return new ValueError(`${label} is not a file`)
    if (stats.size > maxOctets) return new ValueError(`${label} is too long: more than ${maxOctets} octets`)
    return { content: await file.readFile(), mode: stats.mode }
  } catch (error) {
    return new FileError(label, error)
  } finally {
    await file.close()
  }
}

/** Whether a file's mode has a forbidden bit, except in folders whose files others may read. @param path absolute. */
export function isOpenTo(
  forbidden: number,
  mode: number,
  path: string,
  openFolders: readonly string[],
): boolean {
  return (mode & forbidden) !== 0 && !openFolders.some((folder) => path.startsWith(folder))
}

const MESSAGES: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'a part of the path is not a folder',
  EACCES: 'the broker may not read it',
  EPERM: 'the system does not permit it',
  EISDIR: 'it is a folder',
  ELOOP: 'its symbolic links form a loop',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EEXIST: 'a part of the path is a file',
}

/** What the operating system refused, in words. */
export function systemMessage(error: unknown): string {
  const code = systemCode(error)
  return MESSAGES[code] ?? (code === '' ? String(error) : code)
}

/** `ENOENT` for example; empty for an error that is not the operating system's. */
export function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}
