import { mkdirSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { messageOf } from '../src/domain/errors.ts'
import { type TemporaryFolder, temporaryFolder } from '../test/real/folder.ts'
import { type Case, type Context, type Examination, filledStore } from './case.ts'
import { CASES, SUITES } from './cases.ts'
import { codecCost } from './codec.ts'
import { Disturbance } from './disturbance.ts'
import { freeradiusIsInstalled, freeradiusVersion } from './freeradius-server.ts'
import { Generators } from './generators.ts'
import { examineMachine } from './machine.ts'
import { runCase } from './measure.ts'
import { type CaseResult, caseLines, codecLines, machineLines, othersUsed } from './report.ts'
import { ratios, summarise } from './summary.ts'

const CODEC = 'codec'
const CODEC_ABOUT = 'decode, verify, decrypt, encode and sign one request, without a network'

const HELP = `Usage: npm run bench -- [options] [suite or case …]

Measures the broker on this machine and, where FreeRADIUS is installed, FreeRADIUS under the same load,
in turns. Suites and their cases; where none is named, codec and radius:

  ${CODEC.padEnd(21)}${CODEC_ABOUT}
${Object.entries(SUITES).map(suiteHelp).join('\n')}

Options:
  --brief          every case for a moment, with few users: whether it runs, not how fast
  --seconds N      length of a round (3)
  --rounds N       rounds of each server (3); figures are their medians
  --users N        local users in the store (60000); each code works once, so short of users a load ends
  --generators N   processes that make the load (2)
  --in-flight N    requests in flight, in place of each case's own number
  --patience N     minutes to wait, all in all, until others leave the machine alone (0)
  --alone          the broker without its baselines
  --profile FOLDER run the broker alone with Node's processor profiler, which writes there a file for each thread
  --json FILE      write every figure there too
  --help           this text
`

function suiteHelp([suite, cases]: [string, readonly (Case | Examination)[]]): string {
  const lines = cases.map(({ name, about }) => `    ${name.padEnd(19)}${about}`)
  return [`  ${suite}`, ...lines].join('\n')
}

/** For its first four seconds a login takes half as long again, until the code is compiled. */
const WARM_UP_SECONDS = 5
/** Instead of what is asked for. */
const BRIEF = {
  seconds: 2,
  rounds: 1,
  users: 2000,
  generators: 1,
  inFlight: 4,
  warmUpSeconds: 15,
} as const
/** Operations of a round at most, in a brief run. */
const BRIEF_OPERATIONS = 12

type Result =
  | CaseResult
  | (Pick<CaseResult, 'name' | 'about' | 'disturbance'> & { readonly lines: readonly string[] })

interface Options {
  readonly codec: boolean
  readonly cases: readonly (Case | Examination)[]
  readonly brief: boolean
  readonly seconds: number
  readonly warmUpSeconds: number
  readonly rounds: number
  readonly users: number
  readonly generators: number
  readonly inFlight?: number
  readonly patience: number
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
      brief: { type: 'boolean', default: false },
      seconds: { type: 'string', default: '3' },
      rounds: { type: 'string', default: '3' },
      users: { type: 'string', default: '60000' },
      generators: { type: 'string', default: '2' },
      'in-flight': { type: 'string' },
      patience: { type: 'string', default: '0' },
      alone: { type: 'boolean', default: false },
      profile: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  const all = values.brief ? [CODEC, ...Object.keys(SUITES)] : [CODEC, 'radius']
  const named = positionals.length > 0 ? positionals : all
  const inFlight = values['in-flight']
  return {
    codec: named.includes(CODEC),
    cases: casesNamed(named.filter((name) => name !== CODEC)),
    seconds: positive('seconds', values.seconds),
    rounds: count('rounds', values.rounds),
    users: count('users', values.users),
    generators: count('generators', values.generators),
    inFlight: inFlight === undefined ? undefined : count('in-flight', inFlight),
    warmUpSeconds: WARM_UP_SECONDS,
    brief: values.brief,
    patience: values.patience === '0' ? 0 : positive('patience', values.patience),
    alone: values.alone || values.profile !== undefined,
    profile: values.profile === undefined ? undefined : resolve(values.profile),
    json: values.json === undefined ? undefined : resolve(values.json),
    ...(values.brief && BRIEF),
  }
}

function casesNamed(names: readonly string[]): readonly (Case | Examination)[] {
  const found = names.map((name) => SUITES[name] ?? CASES.filter((each) => each.name === name))
  const unknown = names.filter((_, index) => found[index]?.length === 0)
  if (unknown.length === 0) return [...new Set(found.flat())]
  const known = [CODEC, ...Object.keys(SUITES), ...CASES.map(({ name }) => name)]
  throw new Error(`no suite or case ${unknown.join(', ')}; there are ${[...new Set(known)].join(', ')}`)
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

function progress(line: string): void {
  process.stderr.write(`${line}\n`)
}

async function bench(options: Options): Promise<void> {
  await using ends = new AsyncDisposableStack()
  const folder = (purpose: string) => {
    const made = temporaryFolder(purpose)
    ends.defer(() => made.remove())
    return made
  }
  const machine = await examineMachine(folder('bench').file('scratch'))
  print(machineLines(machine))
  const codec = options.codec ? await codecCost() : undefined
  if (codec !== undefined) print(codecLines(codec))
  const stores = new Map<string, Promise<TemporaryFolder>>()
  const results = await runCases(options, {
    ...comparison(options),
    folder,
    store: (name, filling) => {
      const known = stores.get(name)
      if (known !== undefined) return known
      progress(`filling a store with ${filling.to - filling.from} users (${name})`)
      const made = filledStore(folder('store'), filling)
      stores.set(name, made)
      return made
    },
    passwordCheckMs: machine.argon2,
    progress,
  })
  if (options.json !== undefined) {
    const cases = options.cases.map(({ name }) => name)
    const all = { machine, codec, options: { ...options, cases }, results }
    writeFileSync(options.json, `${JSON.stringify(all, undefined, 2)}\n`)
  }
}

function comparison({ brief, users, alone, profile }: Options) {
  if (profile !== undefined) mkdirSync(profile, { recursive: true })
  const compares = !alone && freeradiusIsInstalled()
  if (!alone && !compares)
    progress('FreeRADIUS is not installed (Debian: freeradius), so nothing is compared with it')
  return {
    users,
    size: (whole: number) => (brief ? Math.max(Math.ceil(whole / 200), Math.min(whole, 200)) : whole),
    compares: !alone,
    profiles: profile,
    freeradius: compares ? freeradiusVersion() : undefined,
  }
}

async function runCases(
  { cases, brief, seconds, warmUpSeconds, rounds, inFlight, patience, generators: count }: Options,
  around: Omit<Context, 'defer'>,
): Promise<Result[]> {
  const generators = new Generators(count)
  const disturbance = new Disturbance(patience * 60_000)
  const plan = {
    briefly: brief ? BRIEF_OPERATIONS : undefined,
    seconds,
    warmUpSeconds,
    rounds,
    inFlight,
    progress,
    beforeRound: () => disturbance.look(),
  }
  const results: Result[] = []
  try {
    for (const each of cases) {
      const missing = 'missing' in each ? each.missing?.() : undefined
      if (missing !== undefined) {
        progress(`${each.name} is left out, for want of ${missing}`)
        continue
      }
      await using ends = new AsyncDisposableStack()
      const context = { ...around, defer: (end: () => Promise<void>) => ends.defer(end) }
      if ('run' in each) {
        progress(`${each.name}: starting`)
        await disturbance.look()
        const lines = await each.run(context)
        const others = disturbance.take()
        print(['', `${each.name}: ${each.about}; ${othersUsed(others)}`, ...lines])
        results.push({ name: each.name, about: each.about, disturbance: others, lines })
        continue
      }
      const series = await runCase(each, context, generators, plan)
      const result = {
        name: each.name,
        about: each.about,
        inFlight: inFlight ?? each.inFlight,
        disturbance: disturbance.take(),
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

try {
  const options = optionsOf(process.argv.slice(2))
  if (options === undefined) process.stdout.write(HELP)
  else await bench(options)
} catch (error) {
  progress(messageOf(error))
  process.exitCode = 1
}
