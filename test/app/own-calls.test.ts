import { expect, test } from 'vitest'
import { DEFAULT_CONFIG, withConfig } from '../../src/app/own-calls.ts'

test('calls in a hint name the configuration that they mean', () => {
  const named = (hint: string, file: string) => withConfig(hint, file, false)
  expect(named('ocbroker totp enrol NAME, or ocbroker doctor --only x', '/srv/b.yaml')).toBe(
    'ocbroker totp enrol --config /srv/b.yaml NAME, or ocbroker doctor --config /srv/b.yaml --only x',
  )
  expect(named('ocbroker totp enrol alice', DEFAULT_CONFIG)).toBe('ocbroker totp enrol alice')
  expect(named('run "ocbroker check"', "/it's here.yaml")).toBe(
    `run "ocbroker check --config '/it'\\''s here.yaml'"`,
  )
})

test('a hint of the project’s own files can be typed in its folder', () => {
  expect(withConfig('ocbroker check', DEFAULT_CONFIG, true)).toBe('npx ocbroker check')
})

test('nothing else in a hint is touched', () => {
  const hint = 'written by a newer version of ocbroker; run ocbroker agent there'
  expect(withConfig(hint, '/srv/b.yaml', false)).toBe(hint)
})
