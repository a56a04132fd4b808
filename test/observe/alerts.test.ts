import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { prometheusMetrics } from '../../src/observe/metrics.ts'
import { stateMetrics } from '../../src/observe/state-metrics.ts'
import { queriesOf } from '../real/grafana-board.ts'
import { describeWith } from '../real/needs.ts'
import { thisMachine } from '../real/process.ts'

const ROOT = join(import.meta.dirname, '../..')
const RULES = 'deploy/prometheus/ocbroker.rules.yml'
const TESTS = 'test/observe/ocbroker.rules.test.yml'
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string; readonly expr: string }[] }[]
}
interface RuleTests {
  readonly tests: readonly {
    readonly alert_rule_test: readonly { readonly alertname: string; readonly exp_alerts?: unknown }[]
  }[]
}

const rules = (parse(read(RULES)) as Rules).groups.flatMap((group) => group.rules)
const names = rules.map(({ alert }) => alert)

async function promtool(args: readonly string[], input?: string): Promise<readonly [number | null, string]> {
  const { code, output } = await thisMachine.run('promtool', args, { input, cwd: ROOT })
  return [code, output]
}

describeWith(['promtool'], 'promtool', () => {
  test('finds nothing in the rules, and each alert fires and keeps silent as its test says', async () => {
    expect((await promtool(['check', 'rules', '--lint=all', '--lint-fatal', RULES]))[0]).toBe(0)
    expect(await promtool(['test', 'rules', TESTS])).toEqual([0, expect.stringContaining('SUCCESS')])
  })

  test('finds nothing in the metrics of a process, nor in the state', async () => {
    const { metrics, figures } = prometheusMetrics()
    metrics.dropped('malformed')
    metrics.repeated('resent')
    metrics.login('grant', 'gw1', 0.1)
    metrics.accounting('start', 'gw1', 0.1)
    metrics.late('firstFactor')
    metrics.signIn('password', 'enrol')
    const state = stateMetrics({
      version: { version: '1.0.0', node: '26.0.0' },
      gateways: ['gw1'],
      dependencies: async () => [{ name: 'storage', ready: true, milliseconds: 1 }],
      census: async () => ({
        lockouts: [{ scope: 'user', cause: 'by_hand', count: 2 }],
        sessions: [{ gateway: 'gone', state: 'silent', count: 1 }],
      }),
      pools: async () => [{ pool: 'staff', family: 'ipv4', size: 254, held: 3 }],
      spool: async () => ({ waiting: 7, refused: 0 }),
      certificates: async () => [{ use: 'http', notAfter: 1_800_000_000_000 }],
    })
    const text = (await figures.metrics()) + (await state.metrics())
    expect(await promtool(['check', 'metrics'], text)).toEqual([0, ''])
    expect(text).toContain('ocbroker_sessions{gateway="other",state="silent"} 1')
    expect(text).toContain('ocbroker_sessions{gateway="gw1",state="open"} 0')
  })
})

test('every alert is tried where it fires and where it does not, and is explained', () => {
  const tried = (parse(read(TESTS)) as RuleTests).tests.flatMap((each) => each.alert_rule_test)
  const trying = (fires: boolean) =>
    tried.filter((each) => (each.exp_alerts !== undefined) === fires).map(({ alertname }) => alertname)
  expect(trying(true).toSorted()).toEqual(names.toSorted())
  expect(trying(false).toSorted()).toEqual(names.toSorted())
  const explained = [...read('docs/log.md').matchAll(/^\| `(Ocbroker\w+)`/gm)].map(([, name]) => name)
  expect(explained.toSorted()).toEqual(names.toSorted())
})

test('alerts and the board ask for metrics that there are, by labels that there are', () => {
  const sources = globSync('src/observe/*.ts', { cwd: ROOT }).map(read).join('\n')
  for (const query of [...rules.map(({ expr }) => expr), ...queriesOf(read('deploy/grafana/ocbroker.json'))])
    for (const [, name = ''] of query.matchAll(/\b(ocbroker_\w+)/g))
      expect(sources, query).toContain(`'${name.replace(/_seconds_(?:bucket|count|sum)$/, '_seconds')}'`)
})

test('what cannot be read has no series, and the rest has', async () => {
  const outage = async () => {
    throw new Error('down')
  }
  const state = stateMetrics({
    version: { version: '1.0.0', node: '26.0.0' },
    gateways: ['gw1'],
    dependencies: async () => [{ name: 'storage', ready: false, milliseconds: 3000 }],
    census: outage,
    pools: outage,
    spool: outage,
    certificates: async () => [],
  })
  const series = (await state.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  expect(series).toEqual([
    'ocbroker_build_info{version="1.0.0",node="26.0.0"} 1',
    'ocbroker_dependency_up{dependency="storage"} 0',
    'ocbroker_dependency_check_seconds{dependency="storage"} 3',
  ])
})
