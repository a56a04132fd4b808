import type { Tables } from './schema.ts'

type KeysOfEach = { readonly [Table in keyof Tables]: readonly (keyof Tables[Table] & string)[] }

/** Every table with its primary key; those that others refer to come before them. The type makes it complete. */
export const TABLES: KeysOfEach = {
  users: ['name'],
  user_groups: ['user_name', 'group_name'],
  enrolments: ['id'],
  recovery_codes: ['subject', 'hash'],
  lockouts: ['id'],
  login_failures: ['user_stem', 'account', 'factor', 'place'],
  sessions: ['id'],
  leases: ['address'],
  audit_events: ['id'],
  audit_sinks: ['name'],
  gateway_state: ['key'],
  traffic: ['source', 'gateway', 'kind', 'outcome'],
  api_tokens: ['id'],
  invitations: ['id'],
  password_links: ['user_name'],
  mails: ['id'],
  passkeys: ['id'],
  session_orders: ['id'],
  agents: ['gateway', 'host'],
  serving_brokers: ['name'],
  trusts: ['id'],
  grace: ['subject'],
  usage_days: ['subject', 'day', 'gateway', 'policy'],
  usage_totals: ['day', 'policy', 'gateway', 'part'],
  quota_marks: ['subject', 'quota', 'mark'],
  quota_additions: ['id'],
  account_groups: ['user_stem', 'source', 'subject', 'group_name'],
}
