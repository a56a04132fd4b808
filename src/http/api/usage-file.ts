import type { Usage, UsageKey } from '../../domain/usage.ts'
import { type FileForms, fileForms } from './record-file.ts'

/** How usage is written into a file. */
export function usageFile(by: UsageKey | undefined, isPerDay: boolean): FileForms<Usage> {
  const columns = [...(by === undefined ? [] : [by]), ...(isPerDay ? ['day'] : [])]
  return fileForms([...columns, 'seconds', 'octetsIn', 'octetsOut'], (usage) => usageWire(usage, by))
}

/** The key under the name of what it is. */
export function usageWire({ key, ...usage }: Usage, by: UsageKey | undefined) {
  return by === undefined ? usage : { [by]: key ?? '', ...usage }
}
