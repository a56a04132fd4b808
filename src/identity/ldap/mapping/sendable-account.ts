import type { Account } from '../../../domain/person.ts'
import type { LdapOptions } from '../options.ts'

/** The account without reply attributes that no reply can carry. */
export function sendableAccount(
  account: Account,
  { name: store, replyFault, log }: Pick<LdapOptions, 'name' | 'replyFault' | 'log'>,
): Account {
  const { attributes: reply, ...attributes } = account.attributes
  if (reply === undefined || replyFault === undefined) return account
  const kept = Object.entries(reply).filter(([name, value]) => {
    const fault = replyFault(name, value)
    if (fault !== undefined) log.warn('ldap.reply_attribute_unusable', { identity: store, name, fault })
    return fault === undefined
  })
  const sent = kept.length === 0 ? undefined : Object.fromEntries(kept)
  return { ...account, attributes: { ...attributes, attributes: sent } }
}
