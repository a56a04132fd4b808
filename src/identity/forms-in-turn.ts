import type {
  FirstFactorAnswer,
  FirstFactorContext,
  IdentityProvider,
  LookupAnswer,
} from '../domain/identity-provider.ts'
import { foldName } from '../domain/login-name.ts'

/**
 * The store for one login, whatever name it is asked for: by the whole name, and where it knows none such, without the
 * realm. An account says by which of the two it was found.
 */
export function formsInTurn(store: IdentityProvider, whole: string, user: string): IdentityProvider {
  async function ask<Answer extends FirstFactorAnswer | LookupAnswer>(
    question: (name: string) => Promise<Answer>,
  ): Promise<Answer> {
    const answer = await question(whole)
    return answer.kind === 'unknown' ? named(user, await question(user)) : named(whole, answer)
  }
  const { prefetch, confirm } = store
  return {
    ...store,
    authenticate: (_, password, deadline, context) =>
      ask((name) => store.authenticate(name, password, deadline, asking(name, context))),
    lookup: (_, deadline) => ask((name) => store.lookup(name, deadline)),
    confirm: confirm && ((_, deadline) => ask((name) => confirm(name, deadline))),
    prefetch(_, deadline) {
      const pending = prefetch?.(whole, deadline)
      return (
        pending && {
          complete: (password, context) =>
            ask((name) =>
              name === whole
                ? pending.complete(password, asking(name, context))
                : store.authenticate(name, password, deadline, asking(name, context)),
            ),
          [Symbol.dispose]: () => pending[Symbol.dispose](),
        }
      )
    },
  }
}

/** The account that is identified is called as it was found, too. */
function asking(asked: string, context: FirstFactorContext = {}): FirstFactorContext {
  const { identified } = context
  if (identified === undefined) return context
  return { ...context, identified: ({ name = foldName(asked) }) => identified({ name }) }
}

function named<Answer extends FirstFactorAnswer | LookupAnswer>(asked: string, answer: Answer): Answer {
  const name = foldName(asked)
  const found = 'found' in answer ? answer.found : undefined
  const known = found === undefined ? answer : { ...answer, found: { ...found, name: found.name ?? name } }
  if (known.kind !== 'right') return known
  return { ...known, account: { ...known.account, name: known.account.name ?? name } }
}
