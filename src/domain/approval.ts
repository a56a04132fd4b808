import type { Randomness } from './random.ts'

/** A login at a gateway that waits for its user to approve it with a passkey. Plain JSON; times are wall milliseconds. */
export interface ApprovalRequest {
  readonly id: string
  /** Who may approve: `Person.subject`. */
  readonly subject: string
  readonly source: string
  /** The username that was typed. */
  readonly user: string
  readonly gateway: string
  /** Where the VPN client is; absent if the gateway does not say. */
  readonly address?: string
  /** What the client says of itself. */
  readonly client?: string
  /** What the VPN prompt shows. */
  readonly number: number
  /** What the page shows, the right one among them. */
  readonly choices: readonly number[]
  readonly askedAt: number
  readonly expiresAt: number
  /** The place that it takes of the user's prompts; see `MAX_PROMPTS`. */
  readonly place: string
}

/** Who asks, from where: the same again has lost its connection, and takes the place of its own request. */
export type ApprovalPlace = Pick<
  ApprovalRequest,
  'subject' | 'source' | 'user' | 'gateway' | 'address' | 'client'
>

/** What a request came to. */
export type ApprovalAnswer =
  /** `passkey`: the identifier of the one that approved. */
  | { readonly kind: 'approved'; readonly request: ApprovalRequest; readonly passkey: string }
  | { readonly kind: 'disowned' }
  | { readonly kind: 'wrong_number' }

/** How long a login can be approved, in milliseconds. */
export const APPROVAL_TTL_MS = 120_000
/** How long after that the VPN client may still fetch what was approved in time, in milliseconds. */
export const FETCH_WITHIN_MS = 30_000
/** Prompts without an approval, within `PROMPTS_WITHIN_MS`, after which the user is not prompted again. */
export const MAX_PROMPTS = 3
export const PROMPTS_WITHIN_MS = 600_000

const CHOICES = 3
const SMALLEST = 10
const NUMBERS = 90
/** Of the values of an octet, as many as are a multiple of `NUMBERS`: no number is likelier than another. */
const FAIR = 180

/** Three numbers of two digits that differ, the first of which is the right one, and the order in which they are shown. */
export function drawNumbers(random: Pick<Randomness, 'bytes'>): Pick<ApprovalRequest, 'number' | 'choices'> {
  const drawn = new Set<number>()
  while (drawn.size < CHOICES)
    for (const octet of random.bytes(CHOICES)) if (octet < FAIR) drawn.add(SMALLEST + (octet % NUMBERS))
  const [number = 0, ...others] = [...drawn].slice(0, CHOICES)
  return { number, choices: [number, ...others].toSorted((one, other) => one - other) }
}

/** What the answer of a passkey is good for: this request with this number, and nothing else. */
export function approvalPurpose(id: string, number: number): string {
  return `approve ${id} ${number}`
}
