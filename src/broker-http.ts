import { Router } from 'express'
import type { Passing } from './broker-passing.ts'
import type { Store } from './broker-storage.ts'
import type { HttpConfig } from './config/sections/http.ts'
import type { Config } from './config/shape.ts'
import type { Dependency } from './domain/dependency.ts'
import type { Log } from './domain/log.ts'
import type { LoginName } from './domain/login-name.ts'
import type { Machine } from './domain/machine.ts'
import type { PendingEnrolment } from './domain/pending-enrolment.ts'
import type { WebSession } from './domain/web-session.ts'
import { auditRoutes } from './http/api/audit.ts'
import { Authentication } from './http/api/authenticate.ts'
import { decisionRoutes } from './http/api/decisions.ts'
import { enrolmentRoutes } from './http/api/enrolments.ts'
import { EventStreams, eventRoutes } from './http/api/events.ts'
import { lockoutRoutes } from './http/api/lockouts.ts'
import { type KeptWrite, Retries } from './http/api/retries.ts'
import { type ApiOptions, apiRouter, LARGEST_BODY } from './http/api/router.ts'
import { serviceRoutes } from './http/api/service.ts'
import { sessionRoutes } from './http/api/sessions.ts'
import { userRoutes } from './http/api/users.ts'
import { httpApp, trusting } from './http/app.ts'
import { readContract } from './http/contract.ts'
import { docsRoutes } from './http/docs/routes.ts'
import { LiveFeed } from './http/live-feed.ts'
import { pages } from './http/pages.ts'
import { limitedByAddress } from './http/rate.ts'
import { type PreparedHttpServer, prepareHttpServer } from './http/server.ts'
import { SigningIn } from './http/sign-in-visit.ts'
import { visiting } from './http/visit.ts'
import { requestLimits } from './limits/request-limits.ts'
import { webSessions } from './limits/web-sessions.ts'
import type { LoginOptions } from './login/decide.ts'
import { signIn, signInAgain, signInByLeave } from './login/sign-in.ts'
import { Enrolling } from './manage/enrolling.ts'
import { type ExplainOptions, explain } from './manage/explain.ts'
import { Inviting } from './manage/inviting.ts'
import { Lockouts } from './manage/lockouts.ts'
import { subjectOf } from './manage/subject.ts'
import { Users } from './manage/users.ts'
import type { Figures } from './observe/metrics.ts'
import { describeGrant } from './radius/describe-grant.ts'
import type { WebDependencies } from './web/dependencies.ts'
import { openWeb } from './web/routes.ts'

export interface HttpParts {
  readonly config: Config
  readonly http: HttpConfig
  readonly store: Store
  /** Those of the logins at the gateways: a guess at the portal counts as a guess. */
  readonly login: LoginOptions
  readonly figures: Pick<Figures, 'contentType' | 'metrics'>
  /** What `/readyz` asks. */
  readonly dependencies: readonly Dependency[]
  /** Where web sessions and other passing state are kept. */
  readonly passing: Pick<Passing, 'open' | 'shared'>
  readonly log: Log
  readonly machine: Machine
  /** Whether answers of the API are held against the contract too, as tests want it. */
  readonly checkAnswers?: boolean
}

/** Browsers that are signed in at one time; each costs about a kilobyte. */
const MOST_SESSIONS = 50_000
/** So much longer than a code is taken whoever types it is told why it is not, in milliseconds. */
const TOLD_THAT_IT_IS_LATE_MS = 60_000
const MOST_PENDING = 10_000
const MOST_KEPT_WRITES = 20_000
const MOST_KEPT_WRITES_OF_ONE = 5_000
const CONNECTIONS_OF_ONE_PEER = 100

/** The half of the broker that speaks HTTP; it listens nowhere yet. @throws Error on the certificate. */
export async function prepareHttp(parts: HttpParts): Promise<PreparedHttpServer> {
  const { config, http, passing, log, machine } = parts
  const { clock, random } = machine
  const sessions = webSessions({
    authenticatorOf: authenticatorsIn(parts.store),
    sessions: passing.open<WebSession>('web sessions', MOST_SESSIONS),
    endings: passing.open<number>('ended web sessions', MOST_SESSIONS),
    limits: { ...http.sessions, codeMs: config.secondFactor.answerWithinMs + TOLD_THAT_IT_IS_LATE_MS },
    clock,
  })
  const limits = requestLimits(http.limits, passing.shared)
  const { tokens } = parts.store.records
  const authentication = new Authentication({ tokens, roles: http.roles, limits, clock, log })
  const dependencies = webDependencies(parts, sessions, authentication)
  const web = openWeb(dependencies)
  const streams = new EventStreams()
  const api = apiOptions(parts, dependencies, authentication, streams)
  const { publicUrl } = config.portal
  const answer = httpApp({
    trustedProxies: http.trustedProxies,
    maxInFlight: http.maxInFlight,
    routes: [
      limitedByAddress(limits),
      apiRouter(api),
      Router().use('/docs', docsRoutes({ contract: api.contract.text, allow: http.allow })),
      pages({ sessions, clock, random, publicUrl, trustedProxies: http.trustedProxies }, web.routes),
    ],
    problemPage: web.problemPage,
    log,
  })
  const prepared = await prepareHttpServer({
    address: http.address,
    port: http.port,
    tls: http.tls,
    connections: {
      all: http.maxConnections,
      perAddress: CONNECTIONS_OF_ONE_PEER,
      isProxy: trusting(http.trustedProxies),
    },
    maxBody: LARGEST_BODY,
    answer,
    log,
  })
  return {
    ...prepared,
    async listen() {
      const server = await prepared.listen()
      const stop = async () => {
        streams.endAll()
        await server.stop()
      }
      return { ...server, stop }
    },
  }
}

function apiOptions(
  parts: HttpParts,
  { enrolling, lockouts, sessions, subjectOf }: WebDependencies,
  authentication: Authentication,
  streams: EventStreams,
): ApiOptions {
  const { config, http, store, figures, dependencies, passing, log } = parts
  const { clock, random } = parts.machine
  const { records, hashes } = store
  const { publicUrl } = config.portal
  const trail = records.auditTrail
  const users = new Users({
    users: records.users,
    audit: records.audit,
    hash: (password) => hashes.hash(password),
    ...{ sessions, clock, random },
  })
  return {
    contract: readContract(),
    handlers: {
      ...lockoutRoutes({ desk: records.lockoutDesk, trail, lockouts, clock }),
      ...userRoutes({ store: records.users, users, roles: http.roles }),
      ...enrolmentRoutes({
        register: records.enrolmentRegister,
        ...{ enrolling, sessions, subjectOf },
      }),
      ...sessionRoutes({ desk: records.sessionDesk, leases: records.leases, clock }),
      ...auditRoutes({ trail }),
      ...eventRoutes({ feed: new LiveFeed({ trail, clock, log }), trail, clock }, streams),
      ...decisionRoutes({ policies: config.policies, explain: explainOptions(config, store, parts.machine) }),
      ...serviceRoutes({ dependencies, figures, clock }),
    },
    authentication,
    allow: http.allow,
    retries: new Retries({
      kept: passing.open<KeptWrite>('idempotency keys', MOST_KEPT_WRITES),
      mostOfOne: MOST_KEPT_WRITES_OF_ONE,
      clock,
    }),
    visiting: visiting({ sessions, clock, random }),
    publicUrl,
    checkAnswers: parts.checkAnswers,
    log,
  }
}

/** What `explain` asks, over HTTP and on the command line alike. */
export function explainOptions(
  config: Config,
  { candidates, records }: Store,
  { clock }: Machine,
): ExplainOptions {
  return {
    candidates,
    login: records.login,
    register: records.enrolmentRegister,
    policies: config.policies,
    leases: records.leases,
    exempt: config.lockout.exempt,
    gateways: config.gateways.map(({ name }) => name),
    secondFactor: config.secondFactor,
    describeReply: describeGrant,
    clock,
    patienceMs: config.radius.deadlineMs,
  }
}

/** What web sessions are held against: the identifier of a subject's present authenticator. */
function authenticatorsIn({ records }: Pick<Store, 'records'>) {
  return async (subject: string): Promise<string | undefined> => (await records.enrolments.find(subject))?.id
}

function webDependencies(
  { config, http, store, login, passing, log, machine }: HttpParts,
  sessions: WebDependencies['sessions'],
  authentication: Authentication,
): WebDependencies {
  const { clock, random } = machine
  const { records, keys } = store
  const { window, issuer, ...shape } = config.secondFactor.totp
  const candidates = (name: LoginName) => store.candidates(name)
  const leave = { codes: login.firstFactor.enrolmentCodes, invitations: records.invitations, clock }
  const asking = { candidates: store.candidates, clock, patienceMs: config.radius.deadlineMs }
  const explaining = explainOptions(config, store, machine)
  const signInOptions = { ...login, background: { ...login.background, candidates } }
  return {
    signingIn: new SigningIn({
      authenticatorOf: authenticatorsIn(store),
      signIn: (attempt) => signIn(attempt, signInOptions),
      signInByLeave: (attempt) => signInByLeave(attempt, { ...signInOptions, leave }),
      signInAgain: (attempt, person) => signInAgain(attempt, person, signInOptions),
      deadlineMs: config.radius.deadlineMs,
      atOnce: Math.max(1, Math.ceil(config.passwords.parallel / 2)),
      clock,
      random,
    }),
    sessions,
    enrolling: new Enrolling({
      enrolments: records.enrolments,
      register: records.enrolmentRegister,
      pending: passing.open<PendingEnrolment>('pending enrolments', MOST_PENDING),
      ...{ keys, shape, issuer, window, audit: records.audit, clock, random },
    }),
    inviting: new Inviting({ invitations: records.invitations, audit: records.audit, clock, random }),
    lockouts: new Lockouts({ desk: records.lockoutDesk, sessions, clock, random }),
    records,
    callerOf: (request) => authentication.callerOf(request, 'known'),
    explain: (supposed) => explain(supposed, explaining),
    subjectOf: (typed) => subjectOf(typed, asking),
    gateways: config.gateways.map(({ name }) => name),
    failuresWithinMs: config.lockout.withinMs,
    allow: http.allow,
    roles: http.roles,
    name: issuer,
    locales: config.portal.locales,
    publicUrl: config.portal.publicUrl,
    tellLocked: config.lockout.tellUser,
    secondFactorRequired: config.secondFactor.required,
    clock,
    random,
    log,
  }
}
