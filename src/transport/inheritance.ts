/** A request that was seen a moment ago, as it crosses from one process to the next. */
export interface SeenRequest {
  readonly key: string
  /** In base64. */
  readonly authenticator: string
  readonly ageMs: number
  /** In base64; absent while the answer is being made. */
  readonly reply?: string
}

/** What a process that hands its sockets over passes to the one that takes them, in plain JSON. */
export type Inheritance =
  /** Requests whose retransmits may come. */
  | { readonly kind: 'seen'; readonly requests: readonly SeenRequest[] }
  /** A request that was still being answered has been answered, or never will be where there is no reply. */
  | {
      readonly kind: 'answered'
      readonly key: string
      readonly authenticator: string
      readonly outgoing?: HandedReply
    }
  /** A reply that was on its way. */
  | { readonly kind: 'unsent'; readonly outgoing: HandedReply }

export interface HandedReply {
  /** Names the socket that it goes out by. */
  readonly socket: string
  readonly source: string
  readonly port: number
  /** In base64. */
  readonly reply: string
}

/** Takes what is passed on. */
export type Heir = (inheritance: Inheritance) => void
