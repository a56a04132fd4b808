/** The outcome of a number of tests. */
export interface Tally {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** For each skipped test its file and the title of the suite that it is in, which says why. */
  readonly skippedNames: readonly string[]
}

export const PASSED: Tally = { passed: 1, failed: 0, skipped: 0, skippedNames: [] }
export const FAILED: Tally = { passed: 0, failed: 1, skipped: 0, skippedNames: [] }

export function sum(tallies: readonly Tally[]): Tally {
  return {
    passed: total(tallies.map(({ passed }) => passed)),
    failed: total(tallies.map(({ failed }) => failed)),
    skipped: total(tallies.map(({ skipped }) => skipped)),
    skippedNames: tallies.flatMap(({ skippedNames }) => skippedNames),
  }
}

/** `12 passed, 0 failed`, and `, 3 skipped` where there are any. */
export function summaryLine({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`
}

/** The part of Vitest's JSON report that is read here. */
export interface Report {
  readonly testResults: readonly {
    /** The test file. */
    readonly name: string
    readonly status: string
    /** Why the file could not be run, where it could not. */
    readonly message?: string
    readonly assertionResults: readonly {
      readonly status: string
      readonly ancestorTitles: readonly string[]
      readonly title: string
      readonly failureMessages?: readonly string[]
    }[]
  }[]
}

export interface FailedTest {
  /** The file and the titles. */
  readonly test: string
  /** The first line of what went wrong. */
  readonly cause: string
}

/** The files in which something failed, by their full names. */
export function failedFiles({ testResults }: Report): readonly string[] {
  return testResults.filter((file) => tallyOfFile(file).failed > 0).map(({ name }) => name)
}

/** What failed, in the order of the report: tests, and files that could not be run. */
export function failedTests(report: Report | undefined): readonly FailedTest[] {
  return (report?.testResults ?? []).flatMap(({ name, status, message, assertionResults }) => {
    const failed = assertionResults
      .filter((test) => test.status === 'failed')
      .map(({ ancestorTitles, title, failureMessages }) => ({
        test: `${name}: ${[...ancestorTitles, title].join(' › ')}`,
        cause: firstLine(failureMessages?.[0]),
      }))
    return status === 'failed' && failed.length === 0 ? [{ test: name, cause: firstLine(message) }] : failed
  })
}

/** A run in which the files of a second run count as they came out there. */
export function withSecondRun(first: Report, second: Report): Report {
  const ranAgain = new Set(second.testResults.map(({ name }) => name))
  const kept = first.testResults.filter(({ name }) => !ranAgain.has(name))
  return { testResults: [...kept, ...second.testResults] }
}

/**
 * Counts one run of Vitest. A test file that failed outside its tests counts as a failure, and so does
 * a run that ended badly although every test that it reported passed.
 * @param report the JSON report, or undefined where the run left none.
 * @param endedWell whether Vitest itself ended with exit code 0.
 */
export function tallyOf(report: Report | undefined, endedWell: boolean): Tally {
  const counted = report === undefined ? [] : report.testResults.map(tallyOfFile)
  const tally = sum(counted)
  const isHiddenFailure = report === undefined || (!endedWell && tally.failed === 0)
  return isHiddenFailure ? sum([tally, FAILED]) : tally
}

function tallyOfFile({ name, status, assertionResults }: Report['testResults'][number]): Tally {
  const passed = assertionResults.filter((test) => test.status === 'passed').length
  const failed = assertionResults.filter((test) => test.status === 'failed').length
  const others = assertionResults.filter((test) => test.status !== 'passed' && test.status !== 'failed')
  return {
    passed,
    failed: status === 'failed' ? Math.max(failed, 1) : failed,
    skipped: others.length,
    skippedNames: others.map(({ ancestorTitles, title }) => `${name}: ${ancestorTitles[0] ?? title}`),
  }
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((left, right) => left + right, 0)
}

function firstLine(text: string | undefined): string {
  return text?.trim().split('\n', 1)[0] || 'no cause was reported'
}
