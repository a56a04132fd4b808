import { keepAccounting } from '../accounting/keep.ts'
import type { Ledger, LedgerRules } from '../accounting/ledger.ts'
import type { Spools } from '../accounting/spools.ts'
import type { Config } from '../config/schema.ts'
import { layoutsOf } from '../domain/address-pool.ts'
import type { AttemptLimits } from '../domain/attempt-limits.ts'
import { refuse } from '../domain/refusal.ts'
import type { Runtime } from '../domain/runtime.ts'
import { SiteDays } from '../domain/site-days.ts'
import type { ReloadableRequestLimits } from '../limits/request-limits.ts'
import { LoginFlow } from '../login/flow.ts'
import type { Withdrawals } from '../login/withdrawals.ts'
import type { Figures } from '../observe/metrics.ts'
import { Gate } from '../pacing/gate.ts'
import type { ResponseTimeEqualizer } from '../pacing/response-time-equalizer.ts'
import { syncPools } from '../store/pool-sync.ts'
import type { ClientTable } from '../transport/client-table.ts'
import type { RadiusServerOptions } from '../transport/radius-server.ts'
import type { TrafficTally } from '../transport/traffic-tally.ts'
import { isSame } from './config-changes.ts'
import { type EphemeralState, localRules } from './ephemeral.ts'
import type { HttpApp } from './http.ts'
import { loginOptions } from './login.ts'
import { passkeyParts } from './passkeys.ts'
import type { Store } from './storage.ts'

/** What stays as long as the process runs, whatever configurations it serves by. */
export interface ProcessParts {
  readonly state: EphemeralState
  readonly ledger: Ledger
  readonly spools: Spools
  readonly gateways: ClientTable
  readonly equalizer: ResponseTimeEqualizer
  readonly withdrawals: Withdrawals
  readonly figures: Pick<Figures, 'contentType' | 'metrics'>
  readonly runtime: Runtime
  readonly traffic: TrafficTally
  readonly answersHttp: boolean
  /** Whether answers of the API are checked against its contract too. */
  readonly checkAnswers: boolean
}

/** Everything that one configuration describes. A reload builds another one beside it and then swaps the two. */
export interface Generation {
  readonly config: Config
  readonly store: Store
  readonly limits: AttemptLimits
  readonly httpLimits: ReloadableRequestLimits | undefined
  readonly radius: RadiusServerOptions
  readonly http: HttpApp | undefined
  /** Brings the pools of the records in line with the configuration. Logins wait for that. @throws Unavailable */
  layOut(): Promise<void>
}

/** How long the database may take over an accounting record before it goes to the spool, and the spool over a Start, in milliseconds. */
const ACCOUNTING_PATIENCE_MS = 1000
const CHECK_DEADLINES_MS = 20

/** @param before the configuration that is served now: what was counted by the same rules is kept. */
export async function buildGeneration(
  config: Config,
  store: Store,
  parts: ProcessParts,
  before?: Generation,
): Promise<Generation> {
  const { state, ledger, spools, runtime, figures, checkAnswers } = parts
  const { leases } = store.records
  const keepsCounts = before !== undefined && isSame(localRules(before.config), localRules(config))
  const limits = keepsCounts ? before.limits : state.limits(config)
  const passkeys = passkeyParts(config, store, state, runtime)
  const rest = { ...parts, passkeys: passkeys?.assertions }
  const login = new LoginFlow(loginOptions(config, store, { ...state, limits }, rest, runtime))
  const http = parts.answersHttp ? config.http : undefined
  // Express and what comes with it are not loaded without need.
  const web = http && (await import('./http.ts'))
  const httpLimits = isSame(before?.config.http?.limits, http?.limits)
    ? before?.httpLimits
    : http && (before?.httpLimits?.with(http.limits) ?? web?.requestLimits(http.limits, state.shared))
  const pools = new Gate({ clock: runtime.clock, intervalMs: CHECK_DEADLINES_MS })
  const keepsPools = before !== undefined && isSame(before.config.pools, config.pools)
  return {
    config,
    store,
    limits,
    httpLimits,
    radius: {
      ...runtime,
      gateways: before === undefined ? parts.gateways : await parts.gateways.with(config.gateways),
      async decide(attempt) {
        if (!pools.isOpen) await pools.passed(attempt.deadline)
        if (pools.isOpen) return login.atGateway(attempt)
        runtime.metrics.late('pools')
        return refuse('unavailable', 'the deadline passed')
      },
      keepAccounting: (record) =>
        keepAccounting(record, {
          sessions: ledger,
          spool: spools,
          log: runtime.log,
          patienceMs: ACCOUNTING_PATIENCE_MS,
          holdMs: config.radius.deadlineMs,
        }),
      noteTraffic: (seen) => parts.traffic.note(seen),
      reply: { locale: config.radius.locale, tellLocked: config.lockout.tellUser },
      deadlineMs: config.radius.deadlineMs,
      maxInFlight: config.radius.maxInFlight,
    },
    http:
      http &&
      httpLimits &&
      web?.buildHttpApp({
        config,
        http,
        limits: httpLimits,
        attempts: limits,
        store,
        login,
        passkeys,
        runtime,
        checkAnswers,
        ephemeral: state,
        figures,
        dependencies: [...store.dependencies, ...state.dependencies],
      }),
    async layOut() {
      if (!keepsPools) await syncPools(leases, config.pools.flatMap(layoutsOf))
      pools.open()
    },
  }
}

/** By which accounting is counted under the configuration. */
export function ledgerRules({ accounting, policies }: Config): LedgerRules {
  return { days: new SiteDays(accounting.timeZone), policies }
}
