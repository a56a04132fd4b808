import { expect, test } from 'vitest'
import { operatorOf } from '../../src/cli/operator.ts'

test.each([
  ['root by sudo', 'root', true, 'alice', 'alice as root (command line)'],
  ['root', 'root', true, undefined, 'root (command line)'],
  ['somebody who claims to be another', 'mallory', false, 'alice', 'mallory (command line)'],
])('%s is recorded as who it is', (_, account, isRoot, sudoUser, written) => {
  expect(operatorOf(account, isRoot, sudoUser)).toBe(written)
})
