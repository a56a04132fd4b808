import type { PendingChallenge } from '../domain/challenge.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { Secret } from '../domain/secret.ts'

/** A code is asked for, under a State that is kept. */
export interface Challenge {
  readonly kind: 'challenge'
  readonly state: string
  readonly prompt: ChallengePrompt
}

/** Why the prompt appears, from which its words are made. */
export type ChallengePrompt =
  | PlainPrompt
  /** The user has no authenticator yet; `page` takes `code`. `again`: an answer came too early. */
  | { readonly kind: 'enrol'; readonly again: boolean; readonly page: string; readonly code: Secret }

type PlainPrompt =
  | { readonly kind: 'enter_code' }
  | { readonly kind: 'wrong_code'; readonly triesLeft: number }
  | { readonly kind: 'used_code'; readonly triesLeft: number }
  /** An identity store's own question; without words of its own it is a question for a code. */
  | { readonly kind: 'store'; readonly text?: string }

/**
 * A code is to be asked for: the second factor's wish, or an identity store's, before anything is counted, stored or
 * sent.
 */
export interface AskForCode {
  readonly kind: 'ask'
  readonly pending: PendingChallenge
  readonly prompt: PlainPrompt | { readonly kind: 'enrol'; readonly again: boolean }
  /** The failed guess that led to asking again. */
  readonly failure?: Refusal
}
