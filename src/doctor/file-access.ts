import { existsSync } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Account, Right } from './account-access.ts'
import { type Check, type Finding, fault, ok } from './finding.ts'

/** What the broker needs to do with a file. */
export interface NeededFile {
  /** How the configuration names it. */
  readonly about: string
  /** Absolute. */
  readonly file: string
  /** `folder`: it makes and replaces files in it. */
  readonly use: 'read' | 'write' | 'folder'
  /** Whether only its owner may read it. */
  readonly isPrivate?: boolean
}

const RIGHTS: Readonly<Record<NeededFile['use'], readonly Right[]>> = {
  read: ['r'],
  write: ['r', 'w'],
  folder: ['r', 'w', 'x'],
}

/** Whether the account that will run the broker can use its files, by every folder on the way. */
export function checkFileAccess(needed: readonly NeededFile[], account: Account): Check {
  return async () => {
    const found = await Promise.all(needed.map((each) => examine(each, account)))
    const faults = new Map<string, Finding>()
    // Many files lie in one folder, of which it is told once.
    for (const { path, finding } of found.flatMap((each) => each ?? []))
      if (!faults.has(path)) faults.set(path, finding)
    return faults.size > 0 ? [...faults.values()] : [ok('files', `${account.name} can use all of them`)]
  }
}

interface Denied {
  /** The folder or file that the account may not use. */
  readonly path: string
  readonly finding: Finding
}

async function examine(needed: NeededFile, account: Account): Promise<Denied | undefined> {
  const { file, use } = needed
  const there = nearest(file)
  // A file that is to be read and is missing has been told of.
  if (there !== file && use === 'read') return undefined
  const target = await realpath(there)
  // What is missing is made in the nearest folder.
  const rights = there === file ? RIGHTS[use] : RIGHTS.folder
  const questions = [
    ...foldersAbove(target).map((folder) => ['x', folder] as const),
    ...rights.map((right) => [right, target] as const),
  ]
  const answers = await account.may(questions)
  const [right, path] = questions[answers.indexOf(false)] ?? []
  if (right === undefined || path === undefined) return undefined
  return { path, finding: denied(needed, account.name, right, { path, target, there }) }
}

function denied(
  { about, file, use, isPrivate }: NeededFile,
  name: string,
  right: Right,
  { path, target, there }: { readonly path: string; readonly target: string; readonly there: string },
): Finding {
  if (path !== target)
    return fault(about, `${name} may not enter ${path}`, `chmod o+x ${path}, or another place for ${file}`)
  if (there !== file) {
    const folder = use === 'folder' ? file : dirname(file)
    return fault(about, `${name} may not make ${file} in ${there}`, `install -d -o ${name} -m 700 ${folder}`)
  }
  const remedy =
    use === 'read' && isPrivate !== true
      ? `chgrp ${name} ${file} && chmod g+r ${file}`
      : `chown ${name} ${file}`
  return fault(about, `${name} may not ${VERBS[right]} ${file}`, remedy)
}

const VERBS: Readonly<Record<Right, string>> = { r: 'read', w: 'write', x: 'enter' }

function nearest(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearest(dirname(path))
}

/** From the root on. */
function foldersAbove(path: string): readonly string[] {
  const above = dirname(path)
  return above === path ? [] : [...foldersAbove(above), above]
}
