import { resolve } from 'node:path'
import { z } from 'zod'
import { filePath } from '../scalars.ts'

export const logShape = z.strictObject({
  level: z.enum(['error', 'warn', 'info', 'debug', 'trace']).default('info'),
  file: filePath().optional(),
})

export interface LogConfig {
  readonly level: 'error' | 'warn' | 'info' | 'debug' | 'trace'
  /** Absolute; absent: standard output. */
  readonly file?: string
}

/** @param folder the configuration file's, from which relative paths start. */
export function resolveLog({ level, file }: z.output<typeof logShape>, folder: string): LogConfig {
  return file === undefined ? { level } : { level, file: resolve(folder, file) }
}
