import type { Clock } from '../../domain/clock.ts'
import type { Dependency } from '../../domain/dependency.ts'
import { Unavailable } from '../../domain/errors.ts'
import type { HttpServices } from '../services.ts'
import type { Handlers } from './call.ts'
import { timeText } from './wire.ts'

/** The metrics in Prometheus' text format. */
interface Figures {
  readonly contentType: string
  metrics(): Promise<string>
}

const CHECK_WITHIN_MS = 3_000
/** Readiness is checked once in this time, however often it is asked for. */
const READINESS_TTL_MS = 1_000

interface Readiness {
  readonly status: 'ready' | 'not_ready'
  readonly dependencies: readonly {
    readonly name: string
    readonly ready: boolean
    readonly detail?: string
    readonly milliseconds: number
  }[]
}

export function serviceRoutes({ dependencies, clock }: HttpServices, figures: Figures): Handlers {
  let latest: { readonly at: number; readonly readiness: Promise<Readiness> } | undefined

  async function look(): Promise<Readiness> {
    const found = await Promise.all(dependencies.map((dependency) => check(dependency, clock)))
    return { status: found.every(({ ready }) => ready) ? 'ready' : 'not_ready', dependencies: found }
  }

  return {
    async getHealth() {
      return { body: { status: 'ok' } }
    },

    async getReadiness() {
      const now = clock.monotonic()
      if (latest === undefined || now - latest.at > READINESS_TTL_MS) latest = { at: now, readiness: look() }
      const readiness = await latest.readiness
      return { status: readiness.status === 'ready' ? 200 : 503, body: readiness }
    },

    async getMetrics({ response }) {
      response.set('Content-Type', figures.contentType).end(await figures.metrics())
      return undefined
    },

    async getMe({ caller }) {
      const { kind, name, scopes, until } = caller
      return {
        body: { kind, name, scopes: [...scopes], until: timeText(until) },
      }
    },
  }
}

async function check(
  { name, checkReady }: Dependency,
  clock: Clock,
): Promise<Readiness['dependencies'][number]> {
  const startedAt = clock.monotonic()
  const milliseconds = () => Math.round((clock.monotonic() - startedAt) * 10) / 10
  try {
    await within(checkReady(startedAt + CHECK_WITHIN_MS))
    return { name, ready: true, milliseconds: milliseconds() }
  } catch (error) {
    // An unexpected error may reveal too much; it is in the log.
    const detail = error instanceof Unavailable ? error.message : 'the check failed'
    return { name, ready: false, detail, milliseconds: milliseconds() }
  }
}

async function within(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Unavailable('check', 'no answer in time')), CHECK_WITHIN_MS)
  })
  try {
    await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
