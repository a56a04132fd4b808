import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { AUDIT_KINDS } from '../../src/domain/audit.ts'
import { quietLog } from '../../src/domain/log.ts'
import { SCOPES } from '../../src/domain/scope.ts'
import { type ApiOptions, apiRouter } from '../../src/http/api/router.ts'
import { httpApp } from '../../src/http/app.ts'
import { readContract } from '../../src/http/contract.ts'
import { PROBLEM_NAMES, Problem } from '../../src/http/problem.ts'
import { ask } from './ask.ts'
import { startTestBroker } from './test-broker.ts'

const contract = readContract()

function schema(name: string): Readonly<Record<string, unknown>> {
  const { components } = contract.document as {
    components: { schemas: Record<string, Record<string, unknown>> }
  }
  return components.schemas[name] ?? {}
}

/** A router with an answer for each of these operations. */
function routerFor(ids: readonly string[]): unknown {
  const handlers = Object.fromEntries(ids.map((id) => [id, async () => ({})]))
  return apiRouter({ contract, handlers } as unknown as ApiOptions)
}

const IDS = contract.operations.map(({ id }) => id)

test('the API does not start with an operation that lacks a handler', () => {
  expect(() => routerFor(IDS.filter((id) => id !== 'getLockout'))).toThrow(/no handler for getLockout/)
})

test('the API does not start with a handler that lacks an operation', () => {
  expect(() => routerFor([...IDS, 'launchRocket'])).toThrow(/no operation for launchRocket/)
})

test('answers are validated against the contract in tests', async () => {
  const statusOf = async (body: unknown, checkAnswers: boolean) => {
    const handlers = Object.fromEntries(IDS.map((id) => [id, async () => ({ body })]))
    const findBrowserSession = () => {}
    const options = { contract, handlers, checkAnswers, findBrowserSession, allow: [], log: quietLog }
    const app = httpApp({
      trustedProxies: [],
      allow: [],
      maxInFlight: 9,
      log: quietLog,
      routes: [apiRouter(options as unknown as ApiOptions)],
    })
    const server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    return (await ask(`http://127.0.0.1:${(server.address() as AddressInfo).port}/healthz`)).status
  }
  expect(await statusOf({ status: 'ok' }, true)).toBe(200)
  for (const wrong of [{ status: 'fine' }, { status: 'ok', more: 1 }, {}, []]) {
    expect(await statusOf(wrong, true)).toBe(500)
    expect(await statusOf(wrong, false)).toBe(200)
  }
})

test('every operation of the contract has a route, under its own name', async () => {
  const fixture = await startTestBroker()
  for (const { method, path } of contract.operations) {
    const url = fixture.url + path.replaceAll(/:\w+/g, 'x')
    const { status } = await fetch(url, { method: method.toUpperCase() })
    // The caller is unknown, and learns only that something is there.
    expect([url, status]).toEqual([url, path === '/healthz' || path === '/readyz' ? 200 : 401])
  }
  expect((await fetch(`${fixture.url}/api/v1/nothing`)).status).toBe(404)
})

test('operation names are unique, and each operation that manages something needs a scope', () => {
  expect(new Set(IDS).size).toBe(IDS.length)
  const free = contract.operations.filter(({ admission }) => admission === 'everybody').map(({ id }) => id)
  expect(free).toEqual(['getHealth', 'getReadiness'])
  const known = contract.operations.filter(({ admission }) => admission === 'known').map(({ id }) => id)
  expect(known).toEqual(['getMe'])
  const agents = contract.operations.filter(({ admission }) => admission === 'agent').map(({ id }) => id)
  expect(agents).toEqual(['streamAgentOrders', 'takeAgentResults', 'takeAgentReport', 'getAgentExpectation'])
  const everywhere = contract.operations.filter((each) => each.isFromEverywhere).map(({ id }) => id)
  expect(everywhere).toEqual(['getHealth'])
})

test('every write needs a writing scope, and every read a reading scope', () => {
  for (const { id, method, admission } of contract.operations) {
    if (admission === 'everybody' || admission === 'known' || admission === 'agent') continue
    const reads = admission.endsWith(':read') || admission === 'explain'
    expect([id, reads]).toEqual([id, method === 'get'])
  }
})

test('the contract lists all scopes, kinds of events and problems', () => {
  expect(schema('Scope').enum).toEqual(SCOPES)
  expect(schema('AuditKind').enum).toEqual(AUDIT_KINDS)
  const { pattern } = (schema('Problem') as { properties: { type: { pattern: string } } }).properties.type
  for (const name of PROBLEM_NAMES) {
    const { type, status } = JSON.parse(JSON.stringify(new Problem(name)))
    expect(type).toMatch(new RegExp(pattern))
    expect(status).toBeGreaterThanOrEqual(400)
  }
})

test('docs/api.md lists every scope and every problem', () => {
  const page = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8')
  for (const name of [...SCOPES, ...PROBLEM_NAMES]) expect(page).toContain(`\`${name}\``)
})
