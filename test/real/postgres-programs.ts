import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Where Debian puts the programs of each major version. */
const VERSIONS = '/usr/lib/postgresql'

/** The full path of a program of the newest PostgreSQL that is installed, or where one would be. */
export function postgresProgram(name: string): string {
  return join(VERSIONS, newest(), 'bin', name)
}

function newest(): string {
  try {
    const [version = '15'] = readdirSync(VERSIONS).sort((a, b) => Number(b) - Number(a))
    return version
  } catch {
    return '15'
  }
}
