import { dirname, resolve } from 'node:path'
import type { DefinedAttribute } from '../../domain/policy.ts'
import { type Path, ValueError } from '../../schema/config-error.ts'
import type { Diagnostics } from '../diagnostics.ts'
import { FileError, readSmallFile } from '../small-file.ts'

/** What only the RADIUS part knows; this folder must not import it. */
export interface Dictionary {
  /** @returns the file to include, or what is wrong with the line. */
  readLine(
    line: string,
  ):
    | { readonly include: string; readonly isOptional: boolean }
    | { readonly problem: string; readonly suggestion?: string }
    | undefined
  /** @returns what the file has left open. */
  endOfFile(): string | undefined
  /** @returns the attribute, why no reply can hold it, or undefined where no file names it. */
  find(name: string): DefinedAttribute | { readonly why: string } | undefined
}

const MAX_FILE_OCTETS = 1024 * 1024
const MAX_FILES = 500
const MAX_DEPTH = 8
/** A file of another kind has a fault in every line. */
const MAX_FAULTS_EACH = 5

/** Reads operators' dictionary files and what they include, in order; faults name file and line. */
export async function readDictionaries(
  files: readonly (string | undefined)[],
  folder: string,
  reader: Pick<Dictionary, 'readLine' | 'endOfFile'>,
  diagnostics: Diagnostics,
): Promise<void> {
  let left = MAX_FILES
  for (const [index, file] of files.entries())
    if (file !== undefined) await readInto(resolve(folder, file), ['radius', 'dictionaries', index], 1)

  async function readInto(file: string, path: Path, depth: number, isOptional = false): Promise<void> {
    const fault = (problem: string, suggestion?: string) => diagnostics.fault(path, problem, suggestion)
    if (depth > MAX_DEPTH)
      return fault(`${file} is included ${MAX_DEPTH} files deep`, 'does a file include itself?')
    left -= 1
    if (left < 0) return left === -1 ? fault(`more than ${MAX_FILES} files are included`) : undefined
    const read = await readSmallFile(file, MAX_FILE_OCTETS)
    if (read instanceof ValueError) {
      if (!(isOptional && read instanceof FileError && read.isMissing)) fault(read.problem)
      return
    }
    let faults = 0
    // Old dictionaries are Latin-1 in their comments.
    for (const [index, line] of read.content.toString('latin1').split(/\r?\n/).entries()) {
      const answer = reader.readLine(line)
      if (answer === undefined) continue
      if ('include' in answer) {
        await readInto(resolve(dirname(file), answer.include), path, depth + 1, answer.isOptional)
        continue
      }
      fault(`${file}:${index + 1}: ${answer.problem}`, answer.suggestion)
      faults += 1
      if (faults === MAX_FAULTS_EACH) return
    }
    const end = reader.endOfFile()
    if (end !== undefined) fault(`${file}: ${end}`)
  }
}
