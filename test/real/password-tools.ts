import { execFileSync } from 'node:child_process'
import { findProgram } from './programs.ts'

/** What a program writes to standard output, at once. */
export function written(program: string, args: readonly string[], input = ''): string {
  const path = findProgram(program)
  if (path === undefined) throw new Error(`${program} is not installed`)
  return execFileSync(path, args, { input, encoding: 'utf8' })
}

/** A password's hash by the system's crypt(3), which perl has built in. */
export function crypt(password: string, setting: string): string {
  return written('perl', ['-e', 'print crypt($ARGV[0], $ARGV[1])', password, setting])
}

/** The hashes of many passwords by the system's crypt(3), in one run of perl: each start costs more than a hash. */
export function cryptAll(passwords: readonly string[], setting: string): string[] {
  const script = 'my $setting = shift; print crypt($_, $setting), "\\n" for @ARGV'
  return written('perl', ['-e', script, setting, ...passwords])
    .trimEnd()
    .split('\n')
}

/** A password's hash by `openssl passwd` with a salt of its own choice. */
export function opensslPasswd(scheme: '-1' | '-5' | '-6', password: string): string {
  return written('openssl', ['passwd', scheme, password]).trim()
}
