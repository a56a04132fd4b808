import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../src/domain/errors.ts'
import { FormClient, headingOf } from '../test/http/form-client.ts'
import type { CodeSchedule } from './code-schedule.ts'
import { Latencies } from './latencies.ts'
import { PASSWORD, userName } from './users.ts'

const MINUTE_MS = 60_000

/**
 * People who sign in to the portal with password and code, each in a browser of their own, at a steady rate.
 * @returns how to end it, and the outcome.
 */
export function signIns(url: string, schedule: CodeSchedule, perMinute: number): () => Promise<string> {
  const latencies = new Latencies()
  const failures = new Map<string, number>()
  const going = new Set<Promise<void>>()
  const ending = new AbortController()
  const one = async () => {
    const startedAt = performance.now()
    const user = schedule.take()
    const client = new FormClient(url)
    await client.get('/')
    await client.post('/sign-in', { name: userName(user), password: PASSWORD })
    const shown = headingOf(await client.post('/code', { code: schedule.code(user) }))
    if (shown !== 'Your account') throw new Error(`the page “${shown}”`)
    latencies.add(performance.now() - startedAt)
  }
  const begin = () => {
    const sign = one().catch((error: unknown) => {
      const reason = messageOf(error)
      failures.set(reason, (failures.get(reason) ?? 0) + 1)
    })
    going.add(sign)
    void sign.then(() => going.delete(sign))
  }
  const work = async () => {
    for (const start = performance.now(), gap = MINUTE_MS / perMinute, count = { started: 0 }; ; ) {
      begin()
      count.started += 1
      const pause = start + count.started * gap - performance.now()
      await sleep(Math.max(0, pause), undefined, { signal: ending.signal })
    }
  }
  const working = work().catch(() => {})
  return async () => {
    ending.abort()
    await working
    await Promise.all(going)
    const failed = [...failures].map(([reason, count]) => `; ${count} times ${reason}`).join('')
    const [p50, p99] = [0.5, 0.99].map((share) => latencies.percentile(share).toFixed(0))
    return `${latencies.samples} sign-ins at the portal, p50 ${p50} ms, p99 ${p99} ms${failed}`
  }
}
