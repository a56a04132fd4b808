import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TemporaryFolder, temporaryFolder } from './folder.ts'
import { freePort } from './free-port.ts'
import { logOf, type ReadableLog } from './log-of.ts'
import { type Place, type RealProcess, thisMachine } from './process.ts'

/** Sections of broker.yaml, in its own words. */
export type Sections = Readonly<Record<string, unknown>>

export interface InstallOptions {
  /** Where the broker and its command run; this machine where it is not given. */
  readonly place?: Place
  /** Laid over an installation with one gateway on 127.0.0.1, so that a test names only what it is about. */
  readonly sections?: Sections
}

/** What one run of the command came to. */
export type CommandRun = Awaited<ReturnType<Place['run']>>

/** A broker's configuration, key file and records in a folder of their own. Nothing runs yet. */
export interface Installation {
  readonly folder: TemporaryFolder
  readonly configFile: string
  readonly database: string
  readonly keyFile: string
  readonly authPort: number
  readonly acctPort: number
  /** Of the one gateway, 127.0.0.1, unless the sections say otherwise. */
  readonly secret: string
  /** Rewrites the configuration for the next start. */
  configure(sections: Sections): void
  /** Program and arguments of a verb, for those who start it in a way of their own. */
  words(...args: readonly string[]): readonly [program: string, args: readonly string[]]
  /** Starts a verb and leaves it running. */
  start(args: readonly string[]): RealProcess
  /** Runs a verb to its end, whatever its exit code. */
  run(args: readonly string[], options?: { readonly input?: string }): Promise<CommandRun>
  /** Runs a verb with --json and returns what it printed; throws with everything that it said where it failed. */
  ocbroker(args: readonly string[], options?: { readonly input?: string }): Promise<unknown>
  /** Starts `ocbroker serve` and waits until it listens. Throws with what it said where it does not. */
  serve(): Promise<RunningBroker>
  remove(): Promise<void>
}

export interface RunningBroker extends ReadableLog {
  /** Without what it has said so far, which never is all of it: see `log`. */
  readonly process: Omit<RealProcess, 'output'>
  /** By SIGTERM; harmless when repeated. */
  stop(): Promise<void>
  /** By SIGKILL. */
  kill(): Promise<void>
}

export interface Broker extends Installation, RunningBroker {}

const MAIN = join(import.meta.dirname, '../../src/main.ts')
/** Nothing but time: a start takes a quarter less where the code that it loads was compiled before. */
const ENVIRONMENT = { NODE_COMPILE_CACHE: join(import.meta.dirname, '../../node_modules/.cache/compiled') }
const SECRET = 'between-gateway-and-broker'

export async function install({
  place = thisMachine,
  sections = {},
}: InstallOptions = {}): Promise<Installation> {
  const folder = temporaryFolder('broker')
  const configFile = folder.file('broker.yaml')
  const authPort = await freePort()
  const acctPort = await freePort()
  const configure = (own: Sections) => {
    // JSON is YAML, too.
    const text = JSON.stringify(configuration(own, { authPort, acctPort }), undefined, 2)
    writeFileSync(configFile, text, { mode: 0o600 })
  }
  configure(sections)
  const words: Installation['words'] = (...args) => [
    process.execPath,
    [MAIN, ...args, '--config', configFile],
  ]
  const start: Installation['start'] = (args) => place.start(...words(...args), { env: ENVIRONMENT })
  const run: Installation['run'] = (args, options) =>
    place.run(...words(...args), { ...options, env: ENVIRONMENT })
  return {
    folder,
    configFile,
    database: folder.file('broker.db'),
    keyFile: folder.file('seed.key'),
    authPort,
    acctPort,
    secret: SECRET,
    configure,
    words,
    start,
    run,
    ocbroker: async (args, options) => {
      const { code, stdout, stderr } = await run([...args, '--json'], options)
      if (code !== 0) throw new Error(`ocbroker ${args.join(' ')} failed (${code}):\n${stdout}${stderr}`)
      return JSON.parse(stdout)
    },
    serve: async () => {
      const broker = start(['serve'])
      try {
        await broker.waitForOutput(/"event":"broker\.listening"/, SERVES_WITHIN)
      } catch (error) {
        await broker.stop()
        throw error
      }
      return {
        process: broker,
        ...logOf(broker, authPort),
        stop: () => broker.stop({ within: STOPS_WITHIN }),
        kill: () => broker.stop({ signal: 'SIGKILL' }),
      }
    },
    remove: folder.remove,
  }
}

/** Installs a broker and starts it; `stop` removes the installation too. */
export async function startBroker(options: InstallOptions = {}): Promise<Broker> {
  const installation = await install(options)
  try {
    const running = await installation.serve()
    const stop = async () => {
      await running.stop()
      await installation.remove()
    }
    return { ...installation, ...running, stop }
  } catch (error) {
    await installation.remove()
    throw error
  }
}

/** Several workers at once compile the same code on the same cores. */
const SERVES_WITHIN = 40_000
/** More than `radius.deadline`, within which everything in flight is answered. */
const STOPS_WITHIN = 10_000

function configuration(
  { radius, ...own }: Sections,
  { authPort, acctPort }: { authPort: number; acctPort: number },
): Sections {
  return {
    radius: { auth_port: authPort, acct_port: acctPort, ...(radius as Sections | undefined) },
    gateways: [{ name: 'gw', address: '127.0.0.1', secret: SECRET }],
    policies: [{ name: 'everyone', reply: {} }],
    storage: { sqlite: 'broker.db', key_file: 'seed.key' },
    ...own,
  }
}
