import { mkdirSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { temporaryFolder } from '../test/real/folder.ts'
import { configurationOf } from './broker-server.ts'
import { CASES, type Case, type Surroundings } from './cases.ts'
import { codecCost } from './codec.ts'
import { fillStore } from './fill.ts'
import { freeradiusIsInstalled, freeradiusVersion } from './freeradius-server.ts'
import { Generators } from './generators.ts'
import { examineMachine } from './machine.ts'
import { runCase } from './measure.ts'
import { type CaseResult, caseLines, codecLines, machineLines } from './report.ts'
import { ratios, summarise } from './summary.ts'

const CODEC = 'codec'

const HELP = `Usage: npm run bench -- [options] [case …]

Measures the broker on this machine and, where FreeRADIUS is installed, FreeRADIUS under the same load,
in turns. Cases, all where none is named:

  ${CODEC.padEnd(12)}decode, verify, decrypt, encode and sign one request, without a network
${CASES.map(({ name, about }) => `  ${name.padEnd(12)}${about}`).join('\n')}

Options:
  --seconds N      length of a round (4)
  --rounds N       rounds of each server (5); figures are their medians
  --users N        users in the store (60000); each code works once, so short of users a load ends
  --generators N   processes that make the load (2)
  --in-flight N    requests in flight, in place of each case's own number
  --alone          the broker without its rivals
  --profile FOLDER run the broker alone with Node's processor profiler, which writes there a file for each thread
  --json FILE      write every figure there too
  --help           this text
`

interface Options {
  readonly cases: readonly string[]
  readonly seconds: number
  readonly rounds: number
  readonly users: number
  readonly generators: number
  readonly inFlight?: number
  readonly alone: boolean
  readonly profile?: string
  readonly json?: string
}

/** @throws Error that says what is wrong with the arguments. @returns undefined where help is asked for. */
function optionsOf(args: readonly string[]): Options | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '4' },
      rounds: { type: 'string', default: '5' },
      users: { type: 'string', default: '60000' },
      generators: { type: 'string', default: '2' },
      'in-flight': { type: 'string' },
      alone: { type: 'boolean', default: false },
      profile: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  const known = [CODEC, ...CASES.map(({ name }) => name)]
  const unknown = positionals.filter((name) => !known.includes(name))
  if (unknown.length > 0) throw new Error(`no case ${unknown.join(', ')}; there are ${known.join(', ')}`)
  const inFlight = values['in-flight']
  return {
    cases: positionals.length > 0 ? positionals : known,
    seconds: positive('seconds', values.seconds),
    rounds: count('rounds', values.rounds),
    users: count('users', values.users),
    generators: count('generators', values.generators),
    ...(inFlight === undefined ? {} : { inFlight: count('in-flight', inFlight) }),
    alone: values.alone || values.profile !== undefined,
    ...(values.profile === undefined ? {} : { profile: resolve(values.profile) }),
    ...(values.json === undefined ? {} : { json: resolve(values.json) }),
  }
}

function positive(option: string, text: string): number {
  const value = Number(text)
  if (value > 0 && Number.isFinite(value)) return value
  throw new Error(`--${option} ${text}: not a number above zero`)
}

function count(option: string, text: string): number {
  const value = positive(option, text)
  if (Number.isInteger(value)) return value
  throw new Error(`--${option} ${text}: not a whole number`)
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`)
}

function told(line: string): void {
  process.stderr.write(`${line}\n`)
}

async function bench(options: Options): Promise<void> {
  const folder = temporaryFolder('bench')
  try {
    const machine = await examineMachine(folder.file('scratch'))
    print(machineLines(machine))
    const codec = options.cases.includes(CODEC) ? await codecCost() : undefined
    if (codec !== undefined) print(codecLines(codec))
    const cases = CASES.filter(({ name }) => options.cases.includes(name))
    const results =
      cases.length === 0
        ? []
        : await runCases(
            cases,
            { folder, passwordCheckMs: machine.argon2, ...surroundings(options) },
            options,
          )
    if (options.json !== undefined) {
      writeFileSync(options.json, `${JSON.stringify({ machine, codec, options, results }, undefined, 2)}\n`)
    }
  } finally {
    await folder.remove()
  }
}

function surroundings({ users, alone, profile }: Options): Omit<Surroundings, 'folder' | 'passwordCheckMs'> {
  if (profile !== undefined) mkdirSync(profile, { recursive: true })
  const compares = !alone && freeradiusIsInstalled()
  if (!alone && !compares)
    told('FreeRADIUS is not installed (Debian: freeradius), so nothing is compared with it')
  return {
    users,
    bare: !alone,
    ...(profile === undefined ? {} : { profiles: profile }),
    ...(compares ? { freeradius: freeradiusVersion() } : {}),
  }
}

async function runCases(
  cases: readonly Case[],
  around: Surroundings,
  options: Options,
): Promise<CaseResult[]> {
  const { users, seconds, rounds, inFlight } = options
  await fillStore(await configurationOf(around.folder), users, fillingLine(users))
  const generators = new Generators(options.generators, users)
  try {
    const results: CaseResult[] = []
    for (const each of cases) {
      const series = await runCase(each, around, generators, { seconds, rounds, inFlight, told })
      const result = {
        name: each.name,
        about: each.about,
        inFlight: inFlight ?? each.inFlight,
        summaries: series.map((one) => summarise(each, one)),
        ratios: ratios(each, series),
      }
      print(caseLines(result))
      results.push(result)
    }
    return results
  } finally {
    generators.stop()
  }
}

/** One line that counts up on a terminal, a few lines elsewhere. */
function fillingLine(users: number): (done: number) => void {
  const steps = 4
  let step = 0
  return (done) => {
    const text = `filling the store: ${done} of ${users} users`
    if (process.stderr.isTTY) process.stderr.write(`\r${text}${done === users ? '\n' : ''}`)
    else if (done * steps >= users * (step + 1)) {
      step = Math.floor((done * steps) / users)
      told(text)
    }
  }
}

try {
  const options = optionsOf(process.argv.slice(2))
  if (options === undefined) process.stdout.write(HELP)
  else await bench(options)
} catch (error) {
  told(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
