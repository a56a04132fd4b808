import type { ClientContext, Result } from 'ioredis'
import type { FailureBudget } from '../domain/lockout.ts'
import type { RedisConnection } from '../redis/connection.ts'
import {
  type Budget,
  type BudgetName,
  budgetReached,
  type CounterKeys,
  type CounterRules,
  failureId,
  rateReached,
  type SharedAttemptCounter,
  windowsLeft,
} from './attempt-counter.ts'
import { ADD_TALLY, END_PROCESSES, END_TALLY, FAIL, REFUND, TAKE } from './counter-scripts.ts'

type Script<Answer, Context extends ClientContext> = (
  keyCount: number,
  ...keysAndArguments: readonly (string | number)[]
) => Result<Answer, Context>

declare module 'ioredis' {
  interface RedisCommander<Context> {
    counterTake: Script<
      readonly [position: number, waitMs: number, first: number, failed: number, state: number] | null,
      Context
    >
    counterRefund: Script<null, Context>
    counterFail: Script<readonly number[], Context>
    counterEndProcesses: Script<null, Context>
    counterAddTally: Script<number, Context>
    counterEndTally: Script<number, Context>
  }
}

/** Points that no attempt reaches. */
const UNLIMITED = 1_000_000_000
const NOBODY = { points: UNLIMITED, counted: 0, agoMs: 0 }

/**
 * Counts the attempts of all brokers in Redis. One attempt counts under a user, an address and a gateway at once, so all
 * keys share one hash tag: in a Cluster they lie in one slot. Every key expires with its last point.
 */
export function redisCounter(
  rules: CounterRules,
  { client, key: keyIn, ask }: RedisConnection,
): SharedAttemptCounter {
  client.defineCommand('counterTake', { lua: TAKE })
  client.defineCommand('counterRefund', { lua: REFUND })
  client.defineCommand('counterFail', { lua: FAIL })
  client.defineCommand('counterEndProcesses', { lua: END_PROCESSES })
  client.defineCommand('counterAddTally', { lua: ADD_TALLY })
  client.defineCommand('counterEndTally', { lua: END_TALLY })
  const endedKey = keyIn('{limits}', 'ended')
  const keyOf = (kind: string, name: string, of: string) => keyIn('{limits}', `${kind}.${name}`, of)

  const tallyKey = (of: string) => keyIn('{limits}', 'tally', of)
  const requestKey = (request: string) => keyIn('{limits}', 'request', request)

  const flightKey = ({ name, key, own }: Budget) => keyOf('flight', own?.of ?? name, key)
  const failedKey = ({ name, key, own }: Budget) => keyOf('failed', own?.of ?? name, key)
  const toldKey = ({ name, key, own }: Budget) => keyOf('told', `guesses.${own?.of ?? name}`, key)
  const withinMs = ({ own }: Budget) => own?.withinMs ?? rules.withinMs
  const pointsOf = ({ name, own }: Budget) => own?.points ?? rules.budgets[name as FailureBudget]

  async function leave(
    keys: CounterKeys,
    windows: readonly string[],
    requests: readonly string[],
    forgotten: { readonly budgets: readonly BudgetName[]; readonly of: 'all' | 'account' },
    agoMs: number,
  ): Promise<void> {
    const budgets = keys.budgets.filter(({ name }) => forgotten.budgets.includes(name))
    const failures = budgets.flatMap((each) => [failedKey(each), toldKey(each)])
    const all = [...windows, ...failures, ...requests]
    const args = [windows.length, Math.ceil(agoMs), requests.length, forgotten.of, keys.account ?? '']
    await ask(client.counterRefund(all.length, ...all, keys.id, ...args, ...budgets.map(withinMs)))
  }

  return {
    async take({ id, request, rates, budgets }) {
      const all = [
        ...rates.flatMap(({ name, key }) => [keyOf('rate', name, key), keyOf('told', name, key)]),
        ...budgets.flatMap((each) => [flightKey(each), failedKey(each), toldKey(each)]),
        ...(request === undefined ? [] : [requestKey(request)]),
        endedKey,
      ]
      const points = [
        ...rates.flatMap(({ name }) => [rules.rates[name].points, rules.rates[name].windowMs]),
        ...budgets.flatMap((each) => {
          const { own } = each
          const isOpen = own?.isOpen === true
          const { points, counted, agoMs } = (isOpen ? undefined : own?.others) ?? NOBODY
          return [isOpen ? UNLIMITED : pointsOf(each), withinMs(each), points, counted, Math.ceil(agoMs)]
        }),
      ]
      const requestMs = request === undefined ? 0 : rules.requestMs
      const args = [id, rates.length, rules.inFlightMs, requestMs, ...points]
      const answer = await ask(client.counterTake(all.length, ...all, ...args))
      if (answer === null) return undefined
      const [position, retryAfterMs, first, failed, state] = answer
      if (position === 0) return { kind: 'repeated' }
      const [rate, budget] = [rates[position - 1], budgets[position - 1 - rates.length]]
      if (rate !== undefined) return rateReached(rate.name, retryAfterMs, first === 1)
      if (budget !== undefined)
        return budgetReached(budget.name, retryAfterMs, first === 1, {
          failed,
          isBusy: state === 1,
          isOutdated: state === 2,
        })
      throw new Error(`no limit has the position ${position}`)
    },
    async refund(keys, forgiven, kept = [], agoMs = 0) {
      const windows = [
        ...windowsLeft(keys, kept).map(({ name, key }) => keyOf('rate', name, key)),
        ...keys.budgets.map(flightKey),
      ]
      const isKnown = keys.request === undefined || kept.includes('request')
      const requests = isKnown ? [] : [requestKey(keys.request)]
      await leave(keys, windows, requests, { budgets: forgiven, of: 'account' }, agoMs)
    },
    async fail(keys) {
      const { id, budgets } = keys
      const all = budgets.flatMap((each) => [flightKey(each), failedKey(each)])
      const lives = budgets.map(withinMs)
      const failures = await ask(client.counterFail(all.length, ...all, id, failureId(keys), ...lives))
      const spent = budgets.filter((each, index) => (failures[index] ?? 0) >= pointsOf(each))
      return spent.map(({ name }) => name)
    },
    async forget(keys, names, agoMs = 0) {
      if (names.length > 0) await leave(keys, [], [], { budgets: names, of: 'all' }, agoMs)
    },
    addTally: (key) => ask(client.counterAddTally(1, tallyKey(key), rules.tallyMs)),
    endTally: (key) => ask(client.counterEndTally(1, tallyKey(key))),
    async endProcesses(names) {
      const lifeMs = Math.max(rules.inFlightMs, rules.requestMs)
      if (names.length > 0) await ask(client.counterEndProcesses(1, endedKey, lifeMs, ...names))
    },
  }
}
