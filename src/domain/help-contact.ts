/** Whom users ask who are stuck; absent parts are not shown. */
export interface HelpContact {
  /** One line. */
  readonly text?: string
  readonly mail?: string
  readonly telephone?: string
}
