import { z } from 'zod'
import type { ProviderType } from '../../schema/provider-type.ts'

/** The broker's own users. */
export const localType: ProviderType = {
  type: 'local',
  schema: z.strictObject({}),
  create: async (_settings, { local }) => local && { provider: local },
}
