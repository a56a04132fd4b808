import { messageOf } from '../../domain/errors.ts'

/** A server gave no answer that could be believed, for the reason given in one line. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
  /** Nothing came; nothing can reach it; or there was no room to ask, which is not the server's fault. */
  readonly why: 'silence' | 'unreachable' | 'no_room'

  constructor(why: NoAnswer['why'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.why = why
  }
}

/** Why a datagram from the server's address is not taken for its reply: stable words, found in the log. */
export type IgnoredReason = keyof typeof DOUBTS

export function unreachable(error: unknown): NoAnswer {
  return new NoAnswer('unreachable', messageOf(error), { cause: error })
}

const DOUBTS = {
  unasked: 'its replies answer nothing that was asked',
  malformed: 'its replies are no RADIUS packets',
  wrong_code: 'its replies are of a kind that was not asked for',
  bad_authenticator: 'its replies are signed with another secret',
  bad_message_authenticator: 'its replies have a false Message-Authenticator',
  no_message_authenticator:
    'its replies have no Message-Authenticator: let it sign them (FreeRADIUS before 3.2.5: update reply { Message-Authenticator := 0x00 } in post-auth, also for rejects and challenges), or set message_authenticator: off for it, with which anyone on the path can forge an acceptance',
  wrong_proxy_state: 'its replies have a Proxy-State that was not sent',
} as const

export function silence(patienceMs: number, doubt: IgnoredReason | undefined): string {
  const ms = Math.round(patienceMs)
  const why = doubt === undefined ? 'it is down, or does not know this client or its secret' : DOUBTS[doubt]
  return `no answer within ${ms} ms: ${why}`
}
