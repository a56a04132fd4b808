import { z } from 'zod'
import { filePath, text } from '../../scalars.ts'
import { commonKeys } from './common.ts'

/** The system's accounts, by PAM through saslauthd. */
export const pamStoreShape = z.strictObject({
  type: z.literal('pam'),
  ...commonKeys,
  socket: filePath().default('/run/saslauthd/mux'),
  service: text(64).default('ocbroker'),
  saslauthd_realm: text().optional(),
  parallel: z.int().min(1).max(256).default(5),
  waiting: z.int().min(0).max(10_000).default(100),
  groups: z.boolean().default(true),
  unknown: z.enum(['never', 'when_absent_from_passwd']).default('when_absent_from_passwd'),
})

export type PamStore = z.output<typeof pamStoreShape>
