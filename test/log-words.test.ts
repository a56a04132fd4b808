import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { DROP_REASONS } from '../src/domain/traffic.ts'
import { readContract } from '../src/http/contract.ts'

const ROOT = join(import.meta.dirname, '..')
const PAGE = readFileSync(join(ROOT, 'docs/log.md'), 'utf8')
const SOURCES = globSync('src/**/*.ts', { cwd: ROOT }).map((file) => readFileSync(join(ROOT, file), 'utf8'))

/** The first cells of the table rows under these headings. */
function named(...headings: readonly string[]): readonly string[] {
  const sections = PAGE.split(/^## /m).filter((section) =>
    headings.some((heading) => section.startsWith(heading)),
  )
  expect(sections).toHaveLength(headings.length)
  return sections
    .flatMap((section) => section.split('\n'))
    .filter((line) => line.startsWith('| `'))
    .flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`([\w.]+)`/g)].map(([, word = '']) => word))
    .toSorted()
}

const found = (pattern: RegExp) => [
  ...new Set(SOURCES.flatMap((source) => [...source.matchAll(pattern)].map(([, word = '']) => word))),
]

test('each reason for which a datagram is dropped is explained, and no other', () => {
  expect(named('Dropped datagrams')).toEqual(DROP_REASONS.toSorted())
})

test('the contract names each of them too', () => {
  const { components } = readContract().document as {
    components: { schemas: { Drop: { properties: { reason: { enum: string[] } } } } }
  }
  expect(components.schemas.Drop.properties.reason.enum).toEqual(DROP_REASONS)
})

test('each event of the log is explained, and no other', () => {
  // As in `log.warn('redis.lost', …)`, and in pino's own order of the two.
  const events = found(/\b(?:[lL]og\[.*\]|debug|info|warn|error)\(\s*(?:\{[^{}]*\}, )?'([a-z_]+\.[a-z_]+)'/g)
  expect(events.length).toBeGreaterThan(70)
  const explained = named('Logins', 'Gateways', 'Accounting', 'Identity stores', 'The broker', 'The agent')
  expect(explained).toEqual(events.toSorted())
})

test('each figure is explained, and no other', () => {
  expect(named('Figures')).toEqual(found(/name: '(ocbroker_\w+)'/g).toSorted())
})
