import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { messageOf } from '../../domain/errors.ts'

/** What radcli knows by its dictionary. */
export interface Dictionary {
  /** Numbers of the vendors whose attributes it knows. */
  readonly vendors: ReadonlySet<number>
  /** Files that could not be read; with any of these ocserv does not start. */
  readonly faults: readonly { readonly file: string; readonly problem: string }[]
}

const MAX_FILES = 100

/** Reads the dictionary and what it includes. */
export async function readDictionary(file: string): Promise<Dictionary> {
  const vendors = new Set<number>()
  const faults: { file: string; problem: string }[] = []
  const seen = new Set<string>()
  const read = async (path: string): Promise<void> => {
    if (seen.has(path) || seen.size >= MAX_FILES) return
    seen.add(path)
    let text: string
    try {
      text = await readFile(path, 'utf8')
    } catch (error) {
      faults.push({ file: path, problem: messageOf(error) })
      return
    }
    for (const line of text.split('\n')) {
      const [word, second = '', third = ''] = line.trim().split(/\s+/)
      if (word === '$INCLUDE') await read(resolve(dirname(path), second))
      if (word === 'VENDOR' && /^\d+$/.test(third)) vendors.add(Number(third))
    }
  }
  await read(file)
  return { vendors, faults }
}
