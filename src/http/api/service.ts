import type { HttpServices } from '../services.ts'
import type { Handlers } from './call.ts'
import { timeText } from './wire.ts'

/** The metrics in Prometheus' text format. */
interface Figures {
  readonly contentType: string
  metrics(): Promise<string>
}

export function serviceRoutes({ readiness }: HttpServices, figures: Figures): Handlers {
  return {
    async getHealth() {
      return { body: { status: 'ok' } }
    },

    async getReadiness() {
      const dependencies = await readiness.look()
      const isReady = dependencies.every(({ ready }) => ready)
      return {
        status: isReady ? 200 : 503,
        body: { status: isReady ? 'ready' : 'not_ready', dependencies },
      }
    },

    async getMetrics({ response }) {
      response.set('Content-Type', figures.contentType).end(await figures.metrics())
      return undefined
    },

    async getMe({ caller }) {
      const { kind, name, rights, until } = caller
      const over = Object.fromEntries([...rights].filter(([, reach]) => reach !== 'everybody'))
      return {
        body: {
          ...{ kind, name, scopes: [...rights.keys()], until: timeText(until) },
          over: Object.keys(over).length === 0 ? undefined : over,
        },
      }
    },
  }
}
