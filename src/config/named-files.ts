import { resolve } from 'node:path'
import { pathText } from '../schema/config-error.ts'
import { isMapping } from './partial-config.ts'

/** A file that the configuration names, to be read. */
export interface NamedFile {
  /** The key: `gateways[0].secret_file`. */
  readonly path: string
  /** Absolute. */
  readonly file: string
}

const FILE_KEY = /_file$/
/** Its entries are files. */
const DICTIONARIES = 'dictionaries'

/** All files that a configuration names under `…_file`, and the dictionaries. @param folder where relative paths start. */
export function namedFiles(raw: unknown, folder: string): readonly NamedFile[] {
  return filesIn(raw, [], folder)
}

function filesIn(value: unknown, path: readonly (string | number)[], folder: string): NamedFile[] {
  if (typeof value === 'string') {
    const key = path.findLast((step) => typeof step === 'string') ?? ''
    const names = FILE_KEY.test(String(key)) || key === DICTIONARIES
    return names ? [{ path: pathText(path), file: resolve(folder, value) }] : []
  }
  if (Array.isArray(value)) return value.flatMap((each, index) => filesIn(each, [...path, index], folder))
  if (!isMapping(value)) return []
  return Object.entries(value).flatMap(([key, each]) => filesIn(each, [...path, key], folder))
}
