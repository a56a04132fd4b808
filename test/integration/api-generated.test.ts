import { Agent } from 'node:http'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemRandom } from '../../src/domain/random.ts'
import { type Operation, readContract } from '../../src/http/contract.ts'
import { ask } from '../http/ask.ts'
import { type GeneratedRequest, type Known, requestsFor } from '../http/requests-from-contract.ts'
import { PASSWORD, startTestBroker, type TestBroker } from '../http/test-broker.ts'

/** Requests for each family of operations. */
const REQUESTS = Number(process.env.GENERATED_REQUESTS ?? 10_000)
const AT_ONCE = 24
const SEED = 20260115

const contract = readContract()
const resources = new AsyncDisposableStack()
const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE })
let fixture: TestBroker
let token: string
/** That of the agent of the one gateway. */
let agentToken: string
let known: Known

beforeAll(async () => {
  fixture = await startTestBroker({ passwords: { waiting: 1000 } }, (end) => void resources.defer(end))
  token = await fixture.token()
  agentToken = await fixture.token([], { gateway: 'gw1' })
  const users = ['alice', 'bob', '密码@corp']
  for (const user of users.slice(0, 2)) await fixture.addUser(user, ['staff'])
  for (const user of users) await fixture.enrol(user)
  const ids: string[] = []
  for (const user of users) {
    const lock = { scope: 'user', user, reason: 'tests', by: 'tests', since: Date.now() } as const
    ids.push((await fixture.records.lockouts.lock({ id: systemRandom.id(), ...lock })).id)
  }
  const about = { kind: 'start', gateway: 'gw1', user: 'bob', acctSession: 'x', at: Date.now() } as const
  await fixture.records.sessions.record({ ...about, seconds: 0, octetsIn: 0, octetsOut: 0 })
  const [session] = await fixture.records.sessions.list({ limit: 1 })
  ids.push(session?.id ?? '')
  const { json } = await ask(`${fixture.url}/api/v1/users?limit=1`, { token })
  known = {
    id: ids,
    user: users,
    name: users,
    subject: users,
    gateway: ['gw1'],
    address: ['192.0.2.7', '2001:db8::7'],
    ip: ['10.8.0.7'],
    cursor: [String(json.next)],
    'Idempotency-Key': ['the-same-key', 'another-key'],
  }
})

afterAll(async () => {
  agent.destroy()
  await resources.disposeAsync()
})

const families = Map.groupBy(
  // Streams have no end.
  contract.operations.filter(({ id }) => id !== 'streamEvents' && id !== 'streamAgentOrders'),
  familyOf,
)

describe.each([...families])('%s', (_, operations) => {
  test(`${REQUESTS} requests made from the contract never find a fault`, { timeout: 120_000 }, async () => {
    const requests = operations.flatMap((operation) => {
      const mine = operation.admission === 'agent' ? agentToken : token
      const some = sample(operation, Math.ceil(REQUESTS / operations.length))
      return some.map((request) => ({ ...request, token: mine }))
    })
    const answered = new Map<number, number>()
    const send = async (request: GeneratedRequest & { readonly token: string }) => {
      const { path, ...rest } = request
      const { status, headers, text } = await ask(fixture.url + path, { ...rest, agent })
      answered.set(status, (answered.get(status) ?? 0) + 1)
      if (status >= 500)
        throw new Error(`${status} for ${JSON.stringify(request)}: ${text}\n${await lastFault()}`)
      if (status >= 400 && request.method !== 'HEAD')
        expect(headers['content-type']).toBe('application/problem+json; charset=utf-8')
    }
    await inParallel(requests, send)
    // Neither all of it refused, nor all of it let through.
    const refused = sum(answered, (status) => status >= 400)
    expect(refused).toBeGreaterThan(0)
    expect(refused).toBeLessThan(requests.length)
  })
})

test('no password of any of them came into the log', async () => {
  const written = await fixture.log()
  expect(written).not.toContain(PASSWORD)
  expect(written).not.toContain('"event":"http.fault"')
})

/** Its tag. */
function familyOf({ path, method }: Operation): string {
  const { paths } = contract.document as { paths: Record<string, Record<string, { tags?: string[] }>> }
  return paths[path.replaceAll(/:(\w+)/g, '{$1}')]?.[method]?.tags?.[0] ?? 'none'
}

function sample(operation: Operation, count: number): GeneratedRequest[] {
  return fc.sample(requestsFor(contract, operation, known), { numRuns: count, seed: SEED })
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async () => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await work(item)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

function sum(counts: ReadonlyMap<number, number>, wanted: (status: number) => boolean): number {
  return [...counts].filter(([status]) => wanted(status)).reduce((total, [, count]) => total + count, 0)
}

async function lastFault(): Promise<string> {
  const lines = (await fixture.log()).split('\n')
  return lines.findLast((line) => line.includes('http.fault')) ?? 'nothing logged'
}
