import type { LocalState } from '../cluster/local-state.ts'
import { sharedStateClient } from '../cluster/shared-state-client.ts'
import { describeFaults } from '../config/describe-faults.ts'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { systemClock } from '../domain/clock.ts'
import { SYSTEM_RUNTIME } from '../domain/runtime.ts'
import { Secret } from '../domain/secret.ts'
import { withRejectionCache } from '../limits/rejection-cache.ts'
import { jsonLog, type OpenLog } from '../observe/log.ts'
import { channelToProcess } from '../rpc/ends.ts'
import { type Broker, startBroker } from './broker.ts'
import { checkIdentities } from './check-identities.ts'
import { replyRules } from './reply-rules.ts'
import { openStore, type Store } from './storage.ts'
import {
  type ConfigText,
  FIRST_SOCKET,
  type StartOptions,
  shareOfOne,
  type WorkerStatus,
} from './worker-options.ts'

/** One of several processes over the same sockets. It ends when its parent tells it to, or is gone. */
let serving: { readonly broker: Broker; readonly store: Store } | undefined
let log: OpenLog | undefined
let ending: Promise<void> | undefined

const METHODS: Readonly<Record<string, (argument: never) => Promise<unknown>>> = {
  start,
  prepare: async (text: ConfigText) => broker().swap.prepare(await readConfig(text)),
  commit: async () => broker().swap.commit(),
  discard: async () => broker().swap.discard(),
  figures: async () => broker().figures.getMetricsAsJSON(),
  reopen: async () => log?.reopen(),
  learn: async (key: string) => serving?.broker.learn(key),
  adopt: async (spools: readonly string[]) => broker().adopt(spools),
  stop,
}

const parent = channelToProcess(process, {
  name: 'parent process',
  clock: systemClock,
  async handle(method, argument) {
    const called = METHODS[method]
    if (called === undefined) throw new Error(`a worker has no ${method}`)
    return called(argument as never)
  },
})
process.on('disconnect', () => void stop())
// A terminal and a service manager signal every process of the group; the parent decides what follows.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1'] as const) process.on(signal, () => undefined)

function broker(): Broker {
  if (serving === undefined) throw new Error('this worker does not serve yet')
  return serving.broker
}

/** @returns what this worker says of itself when it serves. @throws Error in words for the operator. */
async function start(options: StartOptions): Promise<WorkerStatus> {
  const { text, number, spool, sockets, httpFd } = options
  const config = await readConfig(text)
  log = jsonLog(config.log)
  const runtime = { ...SYSTEM_RUNTIME, log }
  const store = await openStore(config, runtime)
  await checkIdentities(store, runtime.log)
  const held = sockets.map((socket, index) => ({ ...socket, fd: FIRST_SOCKET + index }))
  const broker = await startBroker(config, store, runtime, {
    worker: {
      sockets: held.flatMap(({ service, ...place }) =>
        service === 'auth' || service === 'acct' ? [{ service, ...place }] : [],
      ),
      tlsSockets: held.filter(({ service }) => service === 'tls'),
      localState: stateOfParent(),
      isFirst: number === 0,
      httpFd,
      spool,
      figures: {
        contentType: 'text/plain; version=0.0.4; charset=utf-8',
        metrics: async () => String(await parent.call('figures')),
      },
      learned: (key) => void parent.call('learned', key).catch(() => undefined),
    },
  })
  serving = { broker, store }
  const isEmpty = (await store.records.users.list({ limit: 1 })).length === 0
  const http = broker.listening.find(({ service }) => service === 'http')
  return { isEmpty, http: http && { address: http.address, port: http.port } }
}

function stop(): Promise<void> {
  ending ??= (async () => {
    // It does not serve yet, so nothing waits for an answer.
    if (serving === undefined) process.exit(0)
    await serving.broker.stop()
    await serving.store.close()
  })()
  return ending
}

async function readConfig({ file, text, isOpenToAll }: ConfigText): Promise<Config> {
  const source = { text: new Secret(text), isOpenToAll }
  const loaded = await loadConfig(file, process.env, replyRules, source)
  if ('faults' in loaded) throw new Error(describeFaults(file, loaded.faults))
  return shareOfOne(loaded.config)
}

/** In the parent, for all workers. */
function stateOfParent(): LocalState {
  const state = sharedStateClient((request) => parent.call('state', request))
  const counter: LocalState['counter'] = (rules) =>
    withRejectionCache(state.counter(rules), { clock: systemClock })
  return { ...state, counter }
}
