import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { gatewayChecks } from '../../src/doctor/gateway/checks.ts'

test('docs/faults.md names each check of a gateway, and no other', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/faults.md'), 'utf8')
  const ids = Object.keys(gatewayChecks({ now: () => 0, monotonic: () => 0 }))
  const [, symptoms = '', checks = ''] = page.split(/^## .*$/m)
  const firstCells = [...checks.matchAll(/^\| (`[^|]*`) \|/gm)].map(([, cell = '']) => cell)
  const listed = firstCells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, id]) => id))
  expect(listed.sort()).toEqual(ids.sort())
  for (const id of ids.filter((each) => each !== 'reach')) expect(symptoms, id).toContain(`\`${id}\``)
})
