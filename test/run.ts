import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { missingPackages } from './debian-packages.ts'
import { canInstallPackages, installCommand, installPackages } from './install-packages.ts'
import { temporaryFolder } from './real/folder.ts'
import {
  FAILED,
  type FailedTest,
  failedFiles,
  failedTests,
  PASSED,
  type Report,
  sum,
  summaryLine,
  type Tally,
  tallyOf,
  withSecondRun,
} from './tally.ts'

/** The test command: every check and every suite, and one line at the end with the outcome. */

const SUITES = ['unit', 'integration', 'vpn']
/** More files than this do not fail by accident. */
const MOST_FILES_AGAIN = 6
const strict = process.env.CI === 'true'
const root = join(import.meta.dirname, '..')
const reports = temporaryFolder('reports')
const neededTwoRuns: string[] = []
const failures: string[] = []

await providePrograms()
const tallies = [await runCheck()]
for (const suite of SUITES) tallies.push(await runSuite(suite))
await reports.remove()
const result = sum(tallies)
console.log()
for (const test of neededTwoRuns)
  console.log(`Passed in the second run only: ${test.replace(`${root}/`, '')}`)
if (result.skipped > 0) explainSkipped(result)
for (const failure of failures) console.log(`Failed: ${failure.replaceAll(`${root}/`, '')}`)
console.log(summaryLine(result))
process.exitCode = result.failed > 0 || (strict && result.skipped > 0) ? 1 : 0

async function providePrograms(): Promise<void> {
  const wanted = missingPackages().map(({ name }) => name)
  if (wanted.length > 0 && canInstallPackages()) await installPackages(wanted)
  const missing = missingPackages()
  const fate = strict ? 'fail' : 'be skipped'
  if (missing.length > 0) {
    const suites = new Set(missing.flatMap((needed) => needed.suites))
    console.log(
      `Tests in ${[...suites].join(' and ')} will ${fate}, because programs are missing. On Debian:`,
    )
    console.log(`  ${installCommand(missing.map(({ name }) => name))}`)
  }
  if (process.getuid?.() !== 0) {
    console.log(`Tests with a real tunnel will ${fate}: they need root, for network namespaces of their own.`)
  }
}

async function runCheck(): Promise<Tally> {
  console.log('\n> npm run check')
  if (await run('npm', ['run', '--silent', 'check'])) return PASSED
  failures.push('npm run check')
  return FAILED
}

async function runSuite(suite: string): Promise<Tally> {
  const first = await runVitest(suite)
  const again = first.report === undefined ? [] : failedFiles(first.report)
  if (first.report === undefined || again.length === 0 || again.length > MOST_FILES_AGAIN) {
    failures.push(...failedTests(first.report).map(described))
    return tallyOf(first.report, first.endedWell)
  }
  console.log('\nThese files run once more, by themselves (docs/decisions/a-second-run.md):')
  const second = await runVitest(suite, again)
  if (second.endedWell) neededTwoRuns.push(...failedTests(first.report).map(({ test }) => test))
  failures.push(...failedTests(second.report).map(described))
  return tallyOf(withSecondRun(first.report, second.report ?? { testResults: [] }), second.endedWell)
}

async function runVitest(
  suite: string,
  files: readonly string[] = [],
): Promise<{ report: Report | undefined; endedWell: boolean }> {
  console.log(['\n> vitest run --project', suite, ...files].join(' ').replaceAll(`${root}/`, ''))
  const path = reports.file(`${suite}-${files.length === 0 ? 'all' : 'again'}.json`)
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${path}`]
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const endedWell = await run(process.execPath, [vitest, 'run', '--project', suite, ...reporters, ...files])
  const report = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Report) : undefined
  return { report, endedWell }
}

/** Runs a program with our own terminal; true where it ended with exit code 0. */
async function run(program: string, args: readonly string[]): Promise<boolean> {
  const child = spawn(program, args, { cwd: root, stdio: 'inherit' })
  let interruption: NodeJS.Signals | undefined
  const passOn = (signal: NodeJS.Signals) => {
    interruption = signal
    child.kill(signal)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, passOn)
  const [code] = (await once(child, 'exit')) as [number | null]
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, passOn)
  if (interruption !== undefined) {
    await reports.remove()
    process.exit(128 + constants.signals[interruption])
  }
  return code === 0
}

function described({ test, cause }: FailedTest): string {
  return `${test}: ${cause}`
}

function explainSkipped({ skippedNames }: Tally): void {
  console.log(strict ? 'Skipped, which counts as a failure with CI=true:' : 'Skipped:')
  for (const name of new Set(skippedNames)) {
    const count = skippedNames.filter((other) => other === name).length
    console.log(`  ${name.replace(`${root}/`, '')}: ${count === 1 ? '1 test' : `${count} tests`}`)
  }
}
