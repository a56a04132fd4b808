import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

/** Debian keeps servers in sbin, which a plain user's PATH leaves out. */
const SERVER_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin']

/**
 * The full path of a program on PATH or among the system's servers, or undefined where it is not installed.
 * A name that begins with `/` is looked for at just that place, and may be any readable file.
 */
export function findProgram(name: string): string | undefined {
  if (name.startsWith('/')) return allows(name, constants.R_OK) ? name : undefined
  const folders = [...(process.env.PATH ?? '').split(':'), ...SERVER_FOLDERS]
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find((path) => allows(path, constants.X_OK))
}

/** The full path of a program; throws where it is not installed. */
export function installed(program: string): string {
  const path = findProgram(program)
  if (path === undefined) throw new Error(`${program} is not installed`)
  return path
}

function allows(path: string, mode: number): boolean {
  try {
    accessSync(path, mode)
    return true
  } catch {
    return false
  }
}
