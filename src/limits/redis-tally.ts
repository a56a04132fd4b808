import type { ClientContext, Result } from 'ioredis'
import type { LimitReached } from '../domain/limits.ts'
import type { LockoutScope } from '../domain/lockout.ts'
import type { RedisConnection } from './redis-connection.ts'
import type { Counted, SharedTally, TallyRules } from './tally.ts'
import { END, FAIL, GIVE_BACK, TAKE } from './tally-scripts.ts'

type Script<Answer, Context extends ClientContext> = (
  keyCount: number,
  ...keysAndArguments: readonly (string | number)[]
) => Result<Answer, Context>

declare module 'ioredis' {
  interface RedisCommander<Context> {
    tallyTake: Script<readonly [position: number, waitMs: number, first: number] | null, Context>
    tallyGiveBack: Script<null, Context>
    tallyFail: Script<readonly number[], Context>
    tallyEnd: Script<null, Context>
  }
}

/**
 * The counts of all brokers, in Redis. One attempt counts under a user, an address and a gateway in one step, so all
 * keys of the tally carry one hash tag: in a Cluster they lie in one slot. Every key ends with its last mark.
 */
export function redisTally(rules: TallyRules, { client, key, ask }: RedisConnection): SharedTally {
  client.defineCommand('tallyTake', { lua: TAKE })
  client.defineCommand('tallyGiveBack', { lua: GIVE_BACK })
  client.defineCommand('tallyFail', { lua: FAIL })
  client.defineCommand('tallyEnd', { lua: END })
  const ended = key('{limits}', 'ended')
  const keyOf = (kind: string, name: string, of: string) => key('{limits}', `${kind}.${name}`, of)

  function took({ id, rates, budgets }: Counted) {
    const keys = [
      ...rates.flatMap(({ name, key }) => [keyOf('rate', name, key), keyOf('told', name, key)]),
      ...budgets.flatMap(({ scope, key }) => [
        keyOf('flight', scope, key),
        keyOf('failed', scope, key),
        keyOf('told', `guesses.${scope}`, key),
      ]),
      ended,
    ]
    const points = [
      ...rates.flatMap(({ name }) => [rules.rates[name].points, rules.rates[name].windowMs]),
      ...budgets.map(({ scope }) => rules.budgets[scope]),
    ]
    return client.tallyTake(keys.length, ...keys, id, rates.length, rules.heldMs, rules.withinMs, ...points)
  }

  function failuresOf({ budgets }: Counted, scopes: readonly LockoutScope[]): readonly string[] {
    return budgets
      .filter(({ scope }) => scopes.includes(scope))
      .flatMap(({ scope, key }) => [keyOf('failed', scope, key), keyOf('told', `guesses.${scope}`, key)])
  }

  async function giveBack(
    counted: Counted,
    windows: readonly string[],
    forgiven: readonly LockoutScope[],
    agoMs: number,
  ): Promise<void> {
    const keys = [...windows, ...failuresOf(counted, forgiven)]
    const ago = Math.ceil(agoMs)
    await ask(client.tallyGiveBack(keys.length, ...keys, counted.id, windows.length, rules.withinMs, ago))
  }

  return {
    async take(counted) {
      const answer = await ask(took(counted))
      if (answer === null) return undefined
      const [position, retryAfterMs, first] = answer
      const by: LimitReached['by'] = counted.rates[position - 1]?.name ?? 'guesses'
      return { kind: 'limited', by, retryAfterMs, first: first === 1 }
    },
    async giveBack(counted, forgiven, kept = [], agoMs = 0) {
      const windows = [
        ...counted.rates.flatMap(({ name, key }) => (kept.includes(name) ? [] : [keyOf('rate', name, key)])),
        ...counted.budgets.map(({ scope, key }) => keyOf('flight', scope, key)),
      ]
      await giveBack(counted, windows, forgiven, agoMs)
    },
    async fail(counted) {
      const keys = counted.budgets.flatMap(({ scope, key }) => [
        keyOf('flight', scope, key),
        keyOf('failed', scope, key),
      ])
      const failures = await ask(client.tallyFail(keys.length, ...keys, counted.id, rules.withinMs))
      const spent = counted.budgets.filter(
        ({ scope }, index) => (failures[index] ?? 0) >= rules.budgets[scope],
      )
      return spent.map(({ scope }) => scope)
    },
    async forget(counted, scopes, agoMs = 0) {
      if (scopes.length > 0) await giveBack(counted, [], scopes, agoMs)
    },
    async end(runs) {
      if (runs.length > 0) await ask(client.tallyEnd(1, ended, rules.heldMs, ...runs))
    },
  }
}
