import type { PasswordNotice } from '../domain/account-state.ts'
import type { Translate } from './messages.ts'

const HOUR_S = 3600
const DAY_S = 24 * HOUR_S

/** What a user reads of a password that the directory will soon take no more: one sentence, or none. */
export function noticeTexts(notice: PasswordNotice | undefined, t: Translate): readonly string[] {
  if (notice === undefined) return []
  if (notice.kind === 'grace_logins') return [t('vpn.password.grace', { left: notice.left })]
  const { seconds } = notice
  const days = Math.floor(seconds / DAY_S)
  const hours = Math.max(1, Math.ceil(seconds / HOUR_S))
  return [days >= 2 ? t('vpn.password.expiresInDays', { days }) : t('vpn.password.expiresInHours', { hours })]
}
