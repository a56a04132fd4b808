/** What the broker asks for. Its texts are compared with what occtl lists, and used for nothing else. */
export type Order = EndOrder | UnbanOrder

export interface EndOrder {
  readonly id: string
  readonly kind: 'end'
  readonly target: Target
}

/** Removes ocserv's own ban of an address. */
export interface UnbanOrder {
  readonly id: string
  readonly kind: 'unban'
  readonly target: { readonly address: string }
}

export type Target =
  /** An Acct-Session-Id. */
  | { readonly session: string }
  | { readonly user: string }
  /** Of the client itself, or in the VPN. */
  | { readonly address: string }

export interface Result {
  readonly id: string
  readonly outcome: 'done' | 'absent' | 'failed'
  readonly detail?: string
  /** The Acct-Session-Ids of the sessions that were ended. */
  readonly ended?: readonly string[]
}

const MAX_TEXT = 1024

/** @returns undefined for what is no order that this agent knows. */
export function readOrder(json: unknown): Order | undefined {
  if (!isObject(json) || !isText(json.id) || !isObject(json.target)) return undefined
  const { id, kind } = json
  const { session, user, address } = json.target
  if (kind === 'unban') return isText(address) ? { id, kind, target: { address } } : undefined
  if (kind !== 'end') return undefined
  if (isText(session)) return { id, kind, target: { session } }
  if (isText(user)) return { id, kind, target: { user } }
  return isText(address) ? { id, kind, target: { address } } : undefined
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_TEXT
}
