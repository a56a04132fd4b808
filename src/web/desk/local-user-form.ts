import type { Request } from 'express'
import type { LocalUser } from '../../domain/user.ts'
import type { UserAnswer, UserChange } from '../../manage/users.ts'
import { field } from '../layout/forms.ts'
import type { FormProblem } from './console.ts'

/** What the form of a local user holds, as it was typed. */
export interface LocalUserForm {
  readonly name: string
  /** Separated by commas. */
  readonly groups: string
  readonly ipv4: string
  readonly ipv6: string
  /** In UTC, in the form of `datetime-local`; empty: the account does not end. */
  readonly expires: string
  readonly mail: string
  readonly enabled: boolean
  readonly reason: string
}

export function formIn(request: Request): LocalUserForm {
  const text = (name: string) => field(request, name).trim()
  return {
    name: text('name'),
    groups: text('groups'),
    ipv4: text('ipv4'),
    ipv6: text('ipv6'),
    expires: text('expires'),
    mail: text('mail'),
    enabled: field(request, 'enabled') !== '',
    reason: field(request, 'reason'),
  }
}

export function formOf({
  name,
  groups,
  attributes,
  expiresAt,
  enabled,
  mail = '',
}: LocalUser): LocalUserForm {
  const { ipv4 = '', ipv6 = '' } = attributes
  // To the minute, as the field has it.
  const expires = expiresAt === undefined ? '' : new Date(expiresAt).toISOString().slice(0, 16)
  return { name, groups: groups.join(', '), ipv4, ipv6, expires, mail, enabled, reason: '' }
}

/** What was typed in place of what the form held: what is the same is left as it is. @returns a problem with the end of the account. */
export function changeIn(typed: LocalUserForm, shown: LocalUserForm): UserChange | 'bad_expiry' {
  const expiresAt = typed.expires === '' ? null : momentOf(typed.expires)
  if (expiresAt === undefined) return 'bad_expiry'
  const textOf = (key: 'ipv4' | 'ipv6' | 'mail') =>
    typed[key] === shown[key] ? undefined : typed[key] === '' ? null : typed[key]
  return {
    enabled: typed.enabled === shown.enabled ? undefined : typed.enabled,
    groups: typed.groups === shown.groups ? undefined : groupsIn(typed.groups),
    ipv4: textOf('ipv4'),
    ipv6: textOf('ipv6'),
    mail: textOf('mail'),
    expiresAt: typed.expires === shown.expires ? undefined : expiresAt,
  }
}

function groupsIn(text: string): readonly string[] {
  return text
    .split(',')
    .map((group) => group.trim())
    .filter((group) => group !== '')
}

/** @returns wall milliseconds; undefined where it is no moment. */
function momentOf(text: string): number | undefined {
  try {
    return Temporal.PlainDateTime.from(text).toZonedDateTime('UTC').epochMilliseconds
  } catch {
    return undefined
  }
}

const PROBLEMS: Readonly<Record<string, FormProblem>> = {
  name: 'bad_name',
  groups: 'bad_groups',
  ipv4: 'bad_ipv4',
  ipv6: 'bad_ipv6',
  mail: 'bad_mail',
}

/** Why nothing was written; undefined where it was done. */
export function problemIn(answer: UserAnswer): FormProblem | undefined {
  switch (answer.kind) {
    case 'done':
      return undefined
    case 'unknown':
      return 'unknown_user'
    case 'exists':
    case 'address_taken':
      return answer.kind
    case 'wrong':
      return PROBLEMS[answer.part] ?? 'bad_name'
  }
}
