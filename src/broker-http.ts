import type { Registry } from 'prom-client'
import type { Machine, Store } from './broker.ts'
import type { HttpConfig } from './config/sections/http.ts'
import type { Config } from './config/shape.ts'
import type { Log } from './domain/log.ts'
import type { PendingEnrolment } from './domain/pending-enrolment.ts'
import type { WebSession } from './domain/web-session.ts'
import { httpApp, trusting } from './http/app.ts'
import { pages } from './http/pages.ts'
import { limitedByAddress } from './http/rate.ts'
import { type HttpServer, openHttpServer } from './http/server.ts'
import { SigningIn } from './http/sign-in-visit.ts'
import { memoryPassingStore } from './limits/memory-passing-store.ts'
import { requestLimits } from './limits/request-limits.ts'
import { webSessions } from './limits/web-sessions.ts'
import type { LoginOptions } from './login/decide.ts'
import { signIn } from './login/sign-in.ts'
import { Enrolling } from './manage/enrolling.ts'
import { Lockouts } from './manage/lockouts.ts'
import type { WebDependencies } from './web/dependencies.ts'
import { openWeb } from './web/routes.ts'

export interface HttpParts {
  readonly config: Config
  readonly http: HttpConfig
  readonly store: Store
  /** Those of the logins at the gateways: a guess at the portal counts as a guess. */
  readonly login: LoginOptions
  readonly registry: Registry
  readonly log: Log
  readonly machine: Machine
}

/** Browsers that are signed in at one time; each costs about a kilobyte. */
const MOST_SESSIONS = 50_000
const MOST_PENDING = 10_000
const CONNECTIONS_OF_ONE_PEER = 100
const LARGEST_BODY = 64 * 1024

/** The half of the broker that speaks HTTP. @throws PortNotOpen, or Error on the certificate. */
export async function startHttp(parts: HttpParts): Promise<HttpServer> {
  const { config, http, log, machine } = parts
  const { clock, random } = machine
  const sessions = webSessions({
    sessions: memoryPassingStore<WebSession>({ name: 'web sessions', clock, capacity: MOST_SESSIONS }),
    endings: memoryPassingStore<number>({ name: 'web sessions', clock, capacity: MOST_SESSIONS }),
    limits: http.sessions,
    clock,
  })
  const web = openWeb(webDependencies(parts, sessions))
  const { publicUrl } = config.portal
  const answer = httpApp({
    trustedProxies: http.trustedProxies,
    maxInFlight: http.maxInFlight,
    routes: [
      limitedByAddress(requestLimits(http.limits)),
      pages({ sessions, clock, random, publicUrl }, web.routes),
    ],
    problemPage: web.problemPage,
    log,
  })
  return openHttpServer({
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
}

function webDependencies(
  { config, http, store, login, log, machine: { clock, random } }: HttpParts,
  sessions: WebDependencies['sessions'],
): WebDependencies {
  const { records, keys } = store
  const { window, issuer, ...shape } = config.secondFactor.totp
  return {
    signingIn: new SigningIn({
      signIn: (attempt) => signIn(attempt, login),
      deadlineMs: config.radius.deadlineMs,
      atOnce: Math.max(1, Math.ceil(config.passwords.parallel / 2)),
      clock,
      random,
    }),
    sessions,
    enrolling: new Enrolling({
      enrolments: records.enrolments,
      register: records.enrolmentRegister,
      pending: memoryPassingStore<PendingEnrolment>({ name: 'enrolments', clock, capacity: MOST_PENDING }),
      ...{ keys, shape, issuer, window, audit: records.audit, clock, random },
    }),
    lockouts: new Lockouts({ desk: records.lockoutDesk, sessions, clock, random }),
    records,
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
