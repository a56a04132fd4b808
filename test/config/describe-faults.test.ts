import { expect, test } from 'vitest'
import { describeFaults } from '../../src/config/describe-faults.ts'
import { faultsOf, GATEWAY } from './loading.ts'

test('faults are shown with lines, paths and suggestions', async () => {
  const found = await faultsOf(`${GATEWAY}radius:\n  deadline: 5\n  colour: red\nlog: { level: debgu }\n`)
  expect(describeFaults('/etc/ocbroker/broker.yaml', found)).toBe(`/etc/ocbroker/broker.yaml: 3 faults
  line 3, radius.deadline: 5 has no unit
      write 5s for seconds; ms, s, m, h and d are known
  line 4, radius.colour: unknown key
      known here: address, auth_port, acct_port, deadline, locale, on_outage, max_in_flight, dictionaries, workers, tls
  line 5, log.level: "debgu" is not one of error, warn, info, debug, trace
      did you mean debug?
`)
})

test('a fault of the whole file has no path', () => {
  expect(describeFaults('x.yaml', [{ path: '', problem: 'x.yaml is not a file' }])).toBe(
    'x.yaml: 1 fault\n  x.yaml is not a file\n',
  )
})

test('warnings have their own heading', () => {
  const warning = { path: 'policies', line: 7, problem: 'is empty, so no user gets in' }
  expect(describeFaults('x.yaml', [warning], 'warning')).toBe(
    'x.yaml: 1 warning\n  line 7, policies: is empty, so no user gets in\n',
  )
})
