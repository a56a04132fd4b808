interface UsageRow {
  /** As `Day`, in the site's time zone. */
  day: string
  gateway: string
  /** Empty: sessions that no login was found for. */
  policy: string
  seconds: number
  octets_in: number
  octets_out: number
}

export interface UsageDayRow extends UsageRow {
  /** As `UsageSearch.user`. */
  subject: string
}

/** What the rows of `usage_days` come to over all users. */
export interface UsageTotalRow extends UsageRow {
  /** Several rows hold one sum, so that records at the same moment seldom wait for each other's. */
  part: number
}

/** A quota that was told. */
export interface QuotaMarkRow {
  /** As `quotaKey`. */
  quota: string
  /** Empty: of the whole policy. */
  subject: string
  mark: 'warned' | 'spent'
  /** On which it was told. */
  day: string
}

/** What an administrator has added to the quotas of a user. */
export interface QuotaAdditionRow {
  id: string
  subject: string
  day: string
  octets: number
  seconds: number
}
