import { ACCESS, type Access, type Services } from './calls.ts'

/** Sends one call to where the records are. @param method by noun and name: `users.find`. */
export type Send = (access: Access, method: string, args: readonly unknown[]) => Promise<unknown>

/** The records as they look from another thread: each method is a message and its answer. */
export function remoteRecords(send: Send): Services {
  const nouns = Object.entries(ACCESS).map(([noun, methods]) => {
    const remote = Object.entries<Access>(methods).map(([name, access]) => {
      const method = `${noun}.${name}`
      return [name, (...args: unknown[]) => send(access, method, args)]
    })
    return [noun, Object.fromEntries(remote)]
  })
  return Object.fromEntries(nouns) as Services
}
