import { X509Certificate } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import packageFile from '../../package.json' with { type: 'json' }
import type { Config } from '../config/schema.ts'
import type { LeaseStore } from '../domain/address-pool.ts'
import type { CensusTaker } from '../domain/census.ts'
import type { Clock } from '../domain/clock.ts'
import type { Readiness } from '../http/readiness.ts'
import type { Figures } from '../observe/metrics.ts'
import { type StateReads, stateMetrics } from '../observe/state-metrics.ts'

interface StateSources {
  readonly census: CensusTaker
  readonly leases: Pick<LeaseStore, 'usage'>
  readonly readiness: Readiness
  readonly clock: Clock
}

/** What the processes count, and after it the state of the broker. */
export function withState(
  figures: Pick<Figures, 'contentType' | 'metrics'>,
  config: Config,
  sources: StateSources,
): Pick<Figures, 'contentType' | 'metrics'> {
  const state = stateMetrics(stateReads(config, sources))
  return {
    contentType: figures.contentType,
    metrics: async () => (await Promise.all([figures.metrics(), state.metrics()])).join(''),
  }
}

function stateReads(config: Config, { census, leases, readiness, clock }: StateSources): StateReads {
  const certificates = certificatesOf(config)
  return {
    version: { version: packageFile.version, node: process.versions.node },
    gateways: config.gateways.map(({ name }) => name),
    dependencies: () => readiness.look(),
    census: () => census.take(clock.now()),
    pools: () => leases.usage(),
    spool: () => octetsIn(config.storage.spool),
    async certificates() {
      const found = await Promise.all(
        Object.entries(certificates).map(async ([use, file]) => ({ use, notAfter: await endOf(file) })),
      )
      return found.flatMap(({ use, notAfter }) => (notAfter === undefined ? [] : { use, notAfter }))
    },
  }
}

/** The files of the certificates that the broker shows, by their use. */
function certificatesOf({ http, radius }: Config): Readonly<Record<string, string>> {
  return {
    ...(http?.tls !== undefined && { http: http.tls.certFile }),
    ...(radius.tls !== undefined && { radius: radius.tls.certFile }),
  }
}

/** @returns undefined for a file that cannot be read: the log and `doctor` say why. */
async function endOf(file: string): Promise<number | undefined> {
  try {
    return Date.parse(new X509Certificate(await readFile(file)).validTo)
  } catch {
    return undefined
  }
}

/** Of all processes, and what earlier ones left. */
async function octetsIn(folder: string): Promise<{ waiting: number; refused: number }> {
  const octets = { waiting: 0, refused: 0 }
  for (const name of await readdir(folder)) {
    const kind = name.endsWith('.refused') ? 'refused' : /\.(waiting|leaving)$/.test(name) && 'waiting'
    if (kind === false) continue
    // It may have been delivered and removed meanwhile.
    octets[kind] += await stat(join(folder, name)).then(
      ({ size }) => size,
      () => 0,
    )
  }
  return octets
}
