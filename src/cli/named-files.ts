import { isMapping } from '../config/partial-config.ts'
import { readYaml } from '../config/yaml-file.ts'

/**
 * The files that a configuration names by keys such as `secret_file` and `ca_file`, and its dictionaries, as they stand
 * there; the file with the keys of the seeds is not among them.
 */
export function namedFiles(text: string): readonly string[] {
  const content = readYaml(text).content?.value
  if (!isMapping(content)) return []
  const { storage, radius } = content
  const rest = isMapping(storage) ? { ...storage, key_file: undefined } : undefined
  const dictionaries = isMapping(radius) && Array.isArray(radius.dictionaries) ? radius.dictionaries : []
  const names = [...filesIn({ ...content, storage: rest }), ...dictionaries]
  return [...new Set(names.filter((name) => typeof name === 'string'))]
}

function filesIn(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value.flatMap(filesIn)
  if (!isMapping(value)) return []
  return Object.entries(value).flatMap(([key, each]) => (key.endsWith('_file') ? [each] : filesIn(each)))
}
