import { amountText, type QuotaStanding, quotaWords } from '../../domain/quota.ts'

/** A quota as pages show it: `words` in the reader's language by `it.stored`. */
export function shownQuota({ quota, most, left, beginsAgain }: QuotaStanding) {
  const { policy, measure } = quota
  return {
    policy,
    words: quotaWords(quota, most),
    most: amountText(measure, most),
    left: amountText(measure, left),
    isSpent: left === 0,
    beginsAgain,
  }
}
