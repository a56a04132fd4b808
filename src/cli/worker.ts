import { type PreparedBroker, prepareBroker } from '../broker.ts'
import { openStore } from '../broker-storage.ts'
import { describeFaults } from '../config/describe-faults.ts'
import { loadConfig } from '../config/load.ts'
import { systemClock } from '../domain/clock.ts'
import { Secret } from '../domain/secret.ts'
import { withBriefMemory } from '../limits/brief-memory.ts'
import type { OwnState } from '../limits/own-state.ts'
import { stateOfParent } from '../limits/state-of-parent.ts'
import { jsonLog } from '../observe/log.ts'
import type { Inheritance } from '../transport/inheritance.ts'
import { Parent } from '../workers/parent.ts'
import { askIdentities } from './ask-identities.ts'
import { replyRules } from './reply-rules.ts'
import { FIRST_SOCKET, partOfOne, type WorkerOrder, type WorkerSays } from './worker-order.ts'

/** One of several processes over the same sockets. It ends when its parent tells it to, or is gone. */
let broker: PreparedBroker | undefined

const parent = new Parent({
  answer: async () => broker?.figures.getMetricsAsJSON(),
  inherit: (what) => broker?.inherit(what as Inheritance),
  hear: (news) => broker?.learn(String(news)),
  beAlone: (left) => broker?.beAlone(left),
  clock: systemClock,
})

// A terminal and a service manager tell every process of the group; what follows from it is the parent's to say.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined)

try {
  await serve((await parent.order) as WorkerOrder)
  await parent.leave()
} catch (error) {
  await parent.leave({ kind: 'refused', message: error instanceof Error ? error.message : String(error) })
  // Whatever is still open must not keep a worker that cannot serve.
  process.exit(1)
}

async function serve(order: WorkerOrder): Promise<void> {
  const { file, text, isOpenToAll, number, spool, places, heldHttpPort } = order
  const isToEnd = parent.ending.then(() => 'end' as const)
  // Until it serves there is nothing to bring to an end.
  const endEarly = new AbortController()
  void parent.ending.then(() => endEarly.signal.aborted || process.exit(0))

  const source = { text: new Secret(text), isOpenToAll }
  const loaded = await loadConfig(file, process.env, replyRules, source)
  if ('faults' in loaded) throw new Error(describeFaults(file, loaded.faults))
  const config = partOfOne(loaded.config)
  const log = jsonLog(config.log)
  const store = await openStore(config, log)
  try {
    await askIdentities(store, log)
    broker = await prepareBroker(config, store, log, undefined, {
      worker: {
        sockets: places.map((place, index) => ({ ...place, fd: FIRST_SOCKET + index })),
        own: ownState(),
        isFirst: number === 0,
        heldHttpPort,
        spool,
        figures: {
          contentType: 'text/plain; version=0.0.4; charset=utf-8',
          metrics: async () => String(await parent.ask('figures')),
        },
        learned: (news) => parent.tell({ kind: 'news', news }),
      },
    })
    const isEmpty = (await store.records.users.list({ limit: 1 })).length === 0
    parent.tell({ kind: 'ready' })
    await parent.begun
    const serving = await broker.begin()
    endEarly.abort()
    const http = serving.listening.find(({ service }) => service === 'http')
    const says: WorkerSays = {
      isEmpty,
      ...(http !== undefined && { http: { address: http.address, port: http.port } }),
    }
    parent.tell({ kind: 'serving', about: says })
    await isToEnd
    if ((await parent.ending) === 'handOver') {
      await serving.handOver((what) => parent.tell({ kind: 'inheritance', what }))
      parent.tell({ kind: 'handedOver' })
    }
    await serving.stop()
  } finally {
    await store.close()
  }
}

/** In the parent, for all workers. */
function ownState(): OwnState {
  const state = stateOfParent((call) => parent.ask('state', call))
  const tally: OwnState['tally'] = (rules) => withBriefMemory(state.tally(rules), { clock: systemClock })
  return { ...state, tally }
}
