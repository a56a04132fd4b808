import { Router } from 'express'
import type { Config } from '../config/schema.ts'
import type { HttpConfig } from '../config/sections/http.ts'
import type { AttemptLimits } from '../domain/attempt-limits.ts'
import type { Dependency } from '../domain/dependency.ts'
import type { RequestLimits } from '../domain/request-limits.ts'
import type { Runtime } from '../domain/runtime.ts'
import type { WebSession } from '../domain/web-session.ts'
import { webSessions } from '../ephemeral/web-sessions.ts'
import { agentOrderRoutes } from '../http/api/agent-orders.ts'
import { agentReportRoutes } from '../http/api/agent-reports.ts'
import { auditRoutes } from '../http/api/audit.ts'
import { Authentication } from '../http/api/authenticate.ts'
import { decisionRoutes } from '../http/api/decisions.ts'
import { endingRoutes } from '../http/api/ending.ts'
import { enrolmentRoutes } from '../http/api/enrolments.ts'
import { EventStreams, eventRoutes } from '../http/api/events.ts'
import { gatewayRoutes } from '../http/api/gateways.ts'
import { lockoutRoutes } from '../http/api/lockouts.ts'
import { passkeyRoutes } from '../http/api/passkeys.ts'
import { peopleRoutes } from '../http/api/people.ts'
import { quotaRoutes } from '../http/api/quotas.ts'
import { type KeptWrite, Retries } from '../http/api/retries.ts'
import { type ApiOptions, apiRouter, MAX_BODY_OCTETS } from '../http/api/router.ts'
import { serviceRoutes } from '../http/api/service.ts'
import { sessionRoutes } from '../http/api/sessions.ts'
import { timelineRoutes } from '../http/api/timeline.ts'
import { trustRoutes } from '../http/api/trusts.ts'
import { usageRoutes } from '../http/api/usage.ts'
import { userRoutes } from '../http/api/users.ts'
import { httpApp, trusting } from '../http/app.ts'
import { basePathIn, below } from '../http/base-path.ts'
import { withBrowserSession } from '../http/browser-session.ts'
import { ownContract } from '../http/contract.ts'
import { docsRoutes } from '../http/docs/routes.ts'
import { LiveFeed } from '../http/live-feed.ts'
import { pages } from '../http/pages.ts'
import { providerSignOut } from '../http/provider-sign-out.ts'
import { limitedByAddress } from '../http/rate.ts'
import type { HttpServerOptions } from '../http/server.ts'
import type { HttpServices } from '../http/services.ts'
import type { LoginFlow } from '../login/flow.ts'
import { presentSession } from '../manage/present-session.ts'
import { recheckedGroups } from '../manage/rechecked-groups.ts'
import type { Figures } from '../observe/metrics.ts'
import { openWeb } from '../web/routes.ts'
import { type EphemeralState, MAX_SESSIONS, openEndings } from './ephemeral.ts'
import { httpServices } from './http-services.ts'
import type { passkeyParts } from './passkeys.ts'
import { withState } from './state-figures.ts'
import type { Store } from './storage.ts'

export interface HttpParts {
  readonly config: Config
  readonly http: HttpConfig
  readonly limits: RequestLimits
  /** Those of logins. */
  readonly attempts: AttemptLimits
  readonly store: Store
  /** Those of the logins at the gateways: a guess at the portal counts as a guess. */
  readonly login: LoginFlow
  /** Absent: the portal has no address for them. */
  readonly passkeys?: ReturnType<typeof passkeyParts>
  readonly figures: Pick<Figures, 'contentType' | 'metrics'>
  /** What `/readyz` and the metrics ask. */
  readonly dependencies: readonly Dependency[]
  /** Where web sessions and other ephemeral state are kept. */
  readonly ephemeral: Pick<EphemeralState, 'open'>
  readonly runtime: Runtime
  /** Whether answers of the API are checked against the contract too, as tests want it. */
  readonly checkAnswers?: boolean
}

/** Keep the session this long after the code expires, so that the page can say that it expired. */
const EXPIRED_CODE_NOTICE_MS = 60_000
const MAX_STORED_WRITES = 20_000
const MAX_STORED_WRITES_OF_ONE = 5_000
const CONNECTIONS_OF_ONE_PEER = 100

export { requestLimits } from '../limits/request-limits.ts'

/** What answers HTTP by one configuration, with what its server is to keep to. It listens nowhere. */
export interface HttpApp extends HttpServerOptions {
  /** Ends the live streams: their clients come back to what is served then. */
  endStreams(): void
}

export function buildHttpApp(parts: HttpParts): HttpApp {
  const { config, http, ephemeral } = parts
  const { clock, random, log } = parts.runtime
  const { deadlineMs: patienceMs } = config.radius
  const rechecked = recheckedGroups({
    candidates: parts.store.candidates,
    answers: ephemeral.open('rechecked users', 2 * MAX_SESSIONS),
    recheckMs: http.sessions.recheckMs,
    clock,
    patienceMs,
  })
  const sessions = webSessions({
    hasAuthenticator: async (subject, id) =>
      (await parts.store.records.enrolments.ofSubject(subject)).some((each) => each.id === id),
    hasPasskey: async (subject, id) => (await parts.store.records.passkeys.find(id))?.subject === subject,
    present: presentSession({
      candidates: parts.store.candidates,
      rechecked,
      enrolsByPassword: config.portal.enrolsByPassword,
      provider: config.portal.singleSignOn?.issuer,
      clock,
      patienceMs,
    }),
    sessions: ephemeral.open<WebSession>('web sessions', MAX_SESSIONS),
    endings: openEndings(ephemeral),
    limits: {
      ...http.sessions,
      codeMs: config.secondFactor.answerWithinMs + EXPIRED_CODE_NOTICE_MS,
    },
    clock,
    random,
  })
  const { limits } = parts
  const { tokens } = parts.store.records
  const authentication = new Authentication({ tokens, roles: http.roles, limits, clock, log })
  const services = httpServices(parts, sessions, rechecked, authentication)
  const streams = new EventStreams()
  const pageStreams = new EventStreams()
  const web = openWeb(services, pageStreams)
  const agents = new EventStreams()
  const api = apiOptions(parts, services, authentication, { streams, agents })
  const { publicUrl } = config.portal
  const basePath = basePathIn(publicUrl)
  const app = httpApp({
    trustedProxies: http.trustedProxies,
    allow: http.allow,
    maxInFlight: http.maxInFlight,
    routes: [
      limitedByAddress(limits),
      apiRouter(api),
      Router().use('/docs', docsRoutes({ contract: api.contract.text, allow: http.allow, basePath })),
      ...(services.singleSignOn === undefined ? [] : [providerSignOut(services.singleSignOn)]),
      pages(
        {
          sessions,
          limits: http.sessions,
          clock,
          random,
          publicUrl,
          trustedProxies: http.trustedProxies,
          log,
        },
        web.routes,
      ),
    ],
    problemPage: web.problemPage,
    log,
  })
  return {
    address: http.address,
    port: http.port,
    tls: http.tls,
    connections: {
      all: http.maxConnections,
      perAddress: CONNECTIONS_OF_ONE_PEER,
      isProxy: trusting(http.trustedProxies),
    },
    maxBody: Math.max(MAX_BODY_OCTETS, ...api.contract.operations.map(({ maxBody = 0 }) => maxBody)),
    answer: below(basePath, app),
    log,
    endStreams() {
      streams.endAll()
      pageStreams.endAll()
      agents.endAll()
    },
  }
}

function apiOptions(
  { config, http, store, figures, ephemeral, checkAnswers }: HttpParts,
  services: HttpServices,
  authentication: Authentication,
  { streams, agents }: { readonly streams: EventStreams; readonly agents: EventStreams },
): ApiOptions {
  const { clock, random, log, webSessions } = services
  const { census, leases } = store.records
  const feed = new LiveFeed({ trail: services.records.audit, clock, log })
  return {
    contract: ownContract(),
    handlers: {
      ...lockoutRoutes(services),
      ...userRoutes(services),
      ...enrolmentRoutes(services),
      ...peopleRoutes(services),
      ...passkeyRoutes(services),
      ...trustRoutes(services),
      ...sessionRoutes(services),
      ...timelineRoutes(services),
      ...endingRoutes(services),
      ...usageRoutes(services),
      ...quotaRoutes(services),
      ...auditRoutes(services),
      ...eventRoutes(services, feed, streams),
      ...agentOrderRoutes(services, agents),
      ...agentReportRoutes(services),
      ...gatewayRoutes(services),
      ...decisionRoutes(services),
      ...serviceRoutes(
        services,
        withState(figures, config, { census, leases, readiness: services.readiness, clock }),
      ),
    },
    authentication,
    allow: http.allow,
    agentGateways: services.agentGateways,
    retries: new Retries({
      kept: ephemeral.open<KeptWrite>('idempotency keys', MAX_STORED_WRITES),
      mostOfOne: MAX_STORED_WRITES_OF_ONE,
      clock,
    }),
    findBrowserSession: withBrowserSession({ sessions: webSessions, limits: http.sessions, clock, random }),
    publicUrl: config.portal.publicUrl,
    checkAnswers,
    log,
  }
}
