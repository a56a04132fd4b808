import { resolve } from 'node:path'
import { z } from 'zod'
import { filePath } from '../../schema/scalars.ts'

export const logSchema = z.strictObject({
  level: z.enum(['error', 'warn', 'info', 'debug', 'trace']).default('info'),
  /** `ecs`: names of the Elastic Common Schema. */
  format: z.enum(['json', 'ecs']).default('json'),
  /** Absent: standard output. */
  file: filePath().optional(),
})

export type LogConfig = z.output<typeof logSchema>

export function resolveLog({ level, format, file }: LogConfig, folder: string): LogConfig {
  return { level, format, file: file === undefined ? undefined : resolve(folder, file) }
}
