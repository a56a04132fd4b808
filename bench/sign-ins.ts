import { setTimeout as sleep } from 'node:timers/promises'
import { FormClient, headingOf } from '../test/http/form-client.ts'
import { Latencies } from './latencies.ts'
import { PASSWORD, userName } from './population.ts'
import type { Rota } from './rota.ts'

const MINUTE_MS = 60_000

/**
 * People who sign in to the portal with password and code, each in a browser of their own, at a steady rate.
 * @returns how it is ended, and what came of it.
 */
export function signIns(url: string, rota: Rota, perMinute: number): () => Promise<string> {
  const latencies = new Latencies()
  const failures = new Map<string, number>()
  const going = new Set<Promise<void>>()
  const ending = new AbortController()
  const one = async () => {
    const begun = performance.now()
    const user = rota.take()
    const client = new FormClient(url)
    await client.get('/')
    await client.post('/sign-in', { name: userName(user), password: PASSWORD })
    const shown = headingOf(await client.post('/code', { code: rota.code(user) }))
    if (shown !== 'Your account') throw new Error(`the page “${shown}”`)
    latencies.add(performance.now() - begun)
  }
  const begin = () => {
    const sign = one().catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error)
      failures.set(reason, (failures.get(reason) ?? 0) + 1)
    })
    going.add(sign)
    void sign.then(() => going.delete(sign))
  }
  const work = async () => {
    for (const start = performance.now(), gap = MINUTE_MS / perMinute, count = { begun: 0 }; ; ) {
      begin()
      count.begun += 1
      const pause = start + count.begun * gap - performance.now()
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
