import { z } from 'zod'
import type { ProviderType } from '../../schema/provider-type.ts'
import { filePath, text } from '../../schema/scalars.ts'
import { warnOfAliases } from '../warn-of-aliases.ts'

const schema = z.strictObject({
  socket: filePath().default('/run/saslauthd/mux'),
  service: text(64).default('ocbroker'),
  saslauthd_realm: text().optional(),
  parallel: z.int().min(1).max(256).default(5),
  waiting: z.int().min(0).max(10_000).default(100),
  groups: z.boolean().default(true),
  unknown: z.enum(['never', 'when_absent_from_passwd']).default('when_absent_from_passwd'),
})

/** The system's accounts, by PAM through saslauthd. */
export const pamType: ProviderType<typeof schema.shape> = {
  type: 'pam',
  schema,
  check(path, report, isLast) {
    if (report.at([...path, 'unknown']) !== 'never') return
    warnOfAliases(path, report)
    if (!isLast && !report.given([...path, 'gateways']))
      report.warn(
        [...path, 'unknown'],
        'rejects users that PAM does not know: the stores after it in identity.order are never asked for a name without a realm',
        'put it last, or write when_absent_from_passwd',
      )
  },
  async create(settings, { name, clock }) {
    const { socket, service, saslauthd_realm: realm, parallel, waiting, groups, unknown } = settings
    const { pamIdentity } = await import('./provider.ts')
    const readsAccounts = groups || unknown !== 'never'
    const accounts = readsAccounts ? { passwdFile: '/etc/passwd', groupFile: '/etc/group' } : undefined
    const options = { name, clock, socket, service, realm, parallel, waiting, accounts, unknown }
    return { provider: pamIdentity(options) }
  },
}
