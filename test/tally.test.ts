import { expect, test } from 'vitest'
import { failedFiles, failedTests, type Report, sum, summaryLine, tallyOf, withSecondRun } from './tally.ts'

function report(...files: { status?: string; tests: readonly string[] }[]): Report {
  return {
    testResults: files.map(({ status = 'passed', tests }, number) => ({
      name: `file${number}.test.ts`,
      status,
      assertionResults: tests.map((test) => ({ status: test, ancestorTitles: [], title: `a ${test} test` })),
    })),
  }
}

test('tests are counted over all files, and skipped ones are named', () => {
  const tally = tallyOf(
    report(
      { status: 'failed', tests: ['passed', 'failed', 'failed'] },
      { tests: ['passed', 'skipped', 'todo'] },
    ),
    false,
  )
  expect(summaryLine(tally)).toBe('2 passed, 2 failed, 2 skipped')
  expect(tally.skippedNames).toEqual(['file1.test.ts: a skipped test', 'file1.test.ts: a todo test'])
})

test('skipped tests are not mentioned if there are none', () => {
  expect(summaryLine(tallyOf(report({ tests: ['passed'] }), true))).toBe('1 passed, 0 failed')
})

test('a file that failed before its tests is a failure', () => {
  expect(tallyOf(report({ tests: ['passed'] }, { status: 'failed', tests: [] }), false).failed).toBe(1)
})

test('a run that ended badly although every test passed is a failure', () => {
  expect(tallyOf(report({ tests: ['passed'] }), false)).toMatchObject({ passed: 1, failed: 1 })
})

test('a run that left no report is a failure, however it ended', () => {
  expect(tallyOf(undefined, true)).toMatchObject({ passed: 0, failed: 1 })
})

test('sums add up', () => {
  const one = tallyOf(report({ tests: ['passed', 'skipped'] }), true)
  expect(sum([one, one])).toMatchObject({ passed: 2, failed: 0, skipped: 2 })
})

test('a skipped test is named by its suite, which says why', () => {
  const test = { status: 'skipped', ancestorTitles: ['a tunnel (needs root)', 'later'], title: 'works' }
  const result = { name: 'vpn.test.ts', status: 'passed', assertionResults: [test] }
  const { skippedNames } = tallyOf({ testResults: [result] }, true)
  expect(skippedNames).toEqual(['vpn.test.ts: a tunnel (needs root)'])
})

test('a file that failed is one with a failed test, and one that failed before its tests', () => {
  const first = report(
    { status: 'failed', tests: ['passed', 'failed'] },
    { tests: ['passed'] },
    { status: 'failed', tests: [] },
  )
  expect(failedFiles(first)).toEqual(['file0.test.ts', 'file2.test.ts'])
  expect(failedTests(first).map(({ test }) => test)).toEqual([
    'file0.test.ts: a failed test',
    'file2.test.ts',
  ])
})

test('a failure is named with the first line of its cause', () => {
  const test = { status: 'failed', ancestorTitles: ['a tunnel'], title: 'works' }
  const failed = { ...test, failureMessages: ['AssertionError: expected 1 to be 2\n    at line 3'] }
  const cannotRun = { name: 'b.test.ts', status: 'failed', message: 'no such module\n', assertionResults: [] }
  const testResults = [{ name: 'a.test.ts', status: 'failed', assertionResults: [failed, test] }, cannotRun]
  expect(failedTests({ testResults }).map(({ cause }) => cause)).toEqual([
    'AssertionError: expected 1 to be 2',
    'no cause was reported',
    'no such module',
  ])
})

test('a file that ran again counts as it came out then, and no other does', () => {
  const first = report({ status: 'failed', tests: ['passed', 'failed'] }, { tests: ['passed', 'passed'] })
  const passed = report({ tests: ['passed', 'passed'] })
  expect(summaryLine(tallyOf(withSecondRun(first, passed), true))).toBe('4 passed, 0 failed')
  expect(summaryLine(tallyOf(withSecondRun(first, first), false))).toBe('3 passed, 1 failed')
  expect(tallyOf(withSecondRun(first, report()), true).failed).toBe(1)
})
