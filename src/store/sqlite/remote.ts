import { ACCESS, type Access, type Served } from './calls.ts'

/** Sends one call to where the records are. */
export type Send = (
  access: Access,
  noun: string,
  method: string,
  args: readonly unknown[],
) => Promise<unknown>

/** The records as they look from another thread: each method is a message and its answer. */
export function remoteRecords(send: Send): Served {
  const nouns = Object.entries(ACCESS).map(([noun, methods]) => [noun, remoteNoun(send, noun, methods)])
  return Object.fromEntries(nouns) as unknown as Served
}

function remoteNoun(send: Send, noun: string, methods: Readonly<Record<string, Access>>): object {
  return Object.fromEntries(
    Object.entries(methods).map(([method, access]) => [
      method,
      (...args: unknown[]) => send(access, noun, method, args),
    ]),
  )
}
