import { expect, test } from 'vitest'
import { readOcctl } from '../../src/doctor/gateway/occtl.ts'
import { dtlsFindings } from '../../src/doctor/gateway/sessions.ts'

const NOW = new Date('2026-11-30T10:00:00').getTime()
const session = (at: string, cipher?: string) => ({
  Username: 'alice',
  'Connected at': at,
  ...(cipher !== undefined && { 'DTLS cipher': cipher }),
})

test.each([
  ['an ok', [session('2026-11-30 09:00', 'x')], 'ok'],
  ['a warning where nobody has it', [session('2026-11-30 09:00'), session('2026-11-30 09:10')], 'warning'],
  ['a hint where some have it', [session('2026-11-30 09:00'), session('2026-11-30 09:10', 'x')], 'hint'],
  ['nothing of a session that has just begun', [session('2026-11-30 09:59')], 'not_applicable'],
  ['nothing without sessions', [], 'not_applicable'],
] as const)('DTLS is %s', (_what, users, verdict) => {
  expect(dtlsFindings('DTLS', users, NOW)).toMatchObject([{ verdict }])
})

test('the loose JSON of occtl is read', () => {
  expect(readOcctl('[\n  {\n    "IP":  "192.0.2.1",\n\t"Score": 80,\n  },\n]\n')).toEqual([
    { IP: '192.0.2.1', Score: 80 },
  ])
  expect(readOcctl('')).toEqual([])
  expect(readOcctl('no JSON')).toBeUndefined()
})
