/** What a check came to. Without a remark everything is as it should be. */
export interface Finding {
  /** `gateway gw1`, `storage` */
  readonly about: string
  /** `fault`: logins fail, or what is kept is in danger. `warning`: they may, one day. `good`: what was looked at. */
  readonly level: 'good' | 'warning' | 'fault'
  readonly says: string
  /** What to do. */
  readonly advice?: string
}

/** Looks at one thing and changes nothing. Never rejects for what it finds. */
export type Check = () => Promise<readonly Finding[]>
