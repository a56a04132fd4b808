import type { FirstFactorAnswer, FirstFactorContext, IdentityProvider } from '../domain/identity-provider.ts'
import { opaqueString } from '../domain/opaque-string.ts'
import type { Secret } from '../domain/secret.ts'

type Check = (password: Secret, context?: FirstFactorContext) => Promise<FirstFactorAnswer>

/**
 * A store that compares octets gets a password as it was typed, and if that is wrong, as OpaqueString: a phone may type
 * `é` in two characters. To the broker both are one guess; a directory counts two, and so does its shield.
 */
export function withOpaquePasswords(store: IdentityProvider): IdentityProvider {
  async function ask(
    typed: Secret,
    context: FirstFactorContext | undefined,
    first: Check,
    again: Check,
  ): Promise<FirstFactorAnswer> {
    const answer = await first(typed, context)
    const composed = opaqueString(typed)
    // What answers a challenge is answered once.
    if (answer.kind !== 'wrong' || context?.state !== undefined || composed.equals(typed)) return answer
    const second = await again(composed, { ...context, identified: undefined })
    // The first one was a guess, whatever became of the second.
    return second.kind === 'withheld' ? answer : second
  }
  const { prefetch } = store
  return {
    ...store,
    authenticate(name, password, deadline, context) {
      const send: Check = (each, about) => store.authenticate(name, each, deadline, about)
      return ask(password, context, send, send)
    },
    prefetch:
      prefetch &&
      ((name, deadline) => {
        const pending = prefetch(name, deadline)
        return (
          pending && {
            complete: (password, context) =>
              ask(
                password,
                context,
                (each, about) => pending.complete(each, about),
                (each, about) => store.authenticate(name, each, deadline, about),
              ),
            [Symbol.dispose]: () => pending[Symbol.dispose](),
          }
        )
      }),
  }
}
