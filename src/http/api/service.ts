import type { Clock } from '../../domain/clock.ts'
import type { Dependency } from '../../domain/dependency.ts'
import { Unavailable } from '../../domain/person.ts'
import type { Handlers } from './call.ts'
import { timeText } from './wire.ts'

/** The figures in Prometheus' form. */
interface Figures {
  readonly contentType: string
  metrics(): Promise<string>
}

export interface ServiceRoutesOptions {
  readonly dependencies: readonly Dependency[]
  readonly figures: Figures
  readonly clock: Clock
}

const CHECK_WITHIN_MS = 3_000
/** How long an answer stands: a crowd of questions becomes one. */
const STANDS_MS = 1_000

interface Readiness {
  readonly status: 'ready' | 'not_ready'
  readonly dependencies: readonly {
    readonly name: string
    readonly ready: boolean
    readonly detail?: string
    readonly milliseconds: number
  }[]
}

export function serviceRoutes({ dependencies, figures, clock }: ServiceRoutesOptions): Handlers {
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
      if (latest === undefined || now - latest.at > STANDS_MS) latest = { at: now, readiness: look() }
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
        body: { kind, name, scopes: [...scopes], until: until === undefined ? undefined : timeText(until) },
      }
    },
  }
}

async function check(
  { name, checkReady }: Dependency,
  clock: Clock,
): Promise<Readiness['dependencies'][number]> {
  const begun = clock.monotonic()
  const milliseconds = () => Math.round((clock.monotonic() - begun) * 10) / 10
  try {
    await within(checkReady(begun + CHECK_WITHIN_MS))
    return { name, ready: true, milliseconds: milliseconds() }
  } catch (error) {
    // What is no known outage may say more than it should: the log has it where it arises.
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
