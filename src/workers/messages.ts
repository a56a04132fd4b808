/** A question of a worker to its parent. */
export interface Question {
  readonly id: number
  /** What is asked: `state`, `figures`. */
  readonly what: string
  readonly about?: unknown
}

export type Reply =
  | { readonly id: number; readonly value?: unknown }
  | { readonly id: number; readonly failure: Failure }

/** An error as it crosses. */
export type Failure =
  | { readonly kind: 'unavailable'; readonly what: string; readonly cause: string }
  | { readonly kind: 'error'; readonly message: string }

/** What a worker says. */
export type FromWorker =
  /** It could begin now. */
  | { readonly kind: 'ready' }
  /** It cannot serve, in words for the operator, and ends. */
  | { readonly kind: 'refused'; readonly message: string }
  /** It reads from its sockets. */
  | { readonly kind: 'serving'; readonly about: unknown }
  | { readonly kind: 'questions'; readonly questions: readonly Question[] }
  | { readonly kind: 'answers'; readonly answers: readonly Reply[] }
  /** For the worker that takes its place. */
  | { readonly kind: 'inheritance'; readonly what: unknown }
  /** It reads no more, and the one that takes its place may begin. */
  | { readonly kind: 'handedOver' }
  /** For all the others. */
  | { readonly kind: 'news'; readonly news: unknown }

/** What it is told. */
export type ToWorker =
  | { readonly kind: 'start'; readonly order: unknown }
  | { readonly kind: 'begin' }
  | { readonly kind: 'questions'; readonly questions: readonly Question[] }
  | { readonly kind: 'answers'; readonly answers: readonly Reply[] }
  | { readonly kind: 'inheritance'; readonly what: unknown }
  | { readonly kind: 'news'; readonly news: unknown }
  /** To hand its sockets over, answer what is in flight through the next one, and end. */
  | { readonly kind: 'handOver' }
  /** The one before it has ended. `left` names what it left behind. */
  | { readonly kind: 'alone'; readonly left: readonly string[] }
  /** To answer what is in flight and end. */
  | { readonly kind: 'stop' }
