import packageFile from '../../package.json' with { type: 'json' }
import type { PendingEnrolment } from '../domain/pending-enrolment.ts'
import type { Secret } from '../domain/secret.ts'
import { SiteDays } from '../domain/site-days.ts'
import type { WebSessionStore } from '../domain/web-session.ts'
import type { Authentication } from '../http/api/authenticate.ts'
import { Readiness } from '../http/readiness.ts'
import type { HttpServices } from '../http/services.ts'
import { SigningIn } from '../http/sign-in-session.ts'
import { Ending } from '../manage/ending.ts'
import { Enrolling } from '../manage/enrolling.ts'
import { explain } from '../manage/explain.ts'
import { Inviting } from '../manage/inviting.ts'
import { Lockouts } from '../manage/lockouts.ts'
import { namesakesOf } from '../manage/namesakes.ts'
import { OddAttempts } from '../manage/odd-attempts.ts'
import { OwnPassword } from '../manage/own-password.ts'
import { Passkeys } from '../manage/passkeys.ts'
import { ChoosingPassword, PasswordLinks } from '../manage/password-links.ts'
import type { RecheckedGroups } from '../manage/rechecked-groups.ts'
import { recordsOver } from '../manage/records-over.ts'
import { mayActOn } from '../manage/rights.ts'
import { maySee } from '../manage/sight.ts'
import { subjectOf } from '../manage/subject.ts'
import { Trusts } from '../manage/trusts.ts'
import { Users } from '../manage/users.ts'
import { agentGatewaysOf } from './agent-gateways.ts'
import { approvingOf } from './approving.ts'
import { explainOptions } from './explain.ts'
import { expectationFor } from './gateway-expectation.ts'
import type { HttpParts } from './http.ts'
import { codeMailsOf } from './mails.ts'
import { passkeysOutrankCodes } from './passkeys.ts'
import { passwordRulesOf } from './password-rules.ts'
import { singleSignOn } from './single-sign-on.ts'
import { takesPasskeys } from './takes-passkeys.ts'
import { userListsOf } from './user-lists.ts'
import { userQuotasOf } from './user-quotas.ts'

const MAX_PENDING_ENROLMENTS = 10_000

/** What the API and the pages work with, by one configuration. */
export function httpServices(
  parts: HttpParts,
  webSessions: WebSessionStore,
  rechecked: RecheckedGroups,
  authentication: Authentication,
): HttpServices {
  const { config, http, store, login, passkeys, ephemeral, dependencies, runtime } = parts
  const { clock, random } = runtime
  const { records, keys, hashes, candidates } = store
  const { audit } = records
  const { window, resync, issuer, ...shape } = config.secondFactor.totp
  const { deadlineMs } = config.radius
  const explaining = explainOptions(config, store, runtime)
  const subjectOfName = (typed: string) => subjectOf(typed, { candidates, clock, patienceMs: deadlineMs })
  const findNamesakes = (name: string) => namesakesOf(name, { candidates, clock, patienceMs: deadlineMs })
  const passwordFault = passwordRulesOf(config)
  const hash = (password: Secret) => hashes.hash(password)
  const passwordLinks = {
    ...{ links: records.passwordLinks, audit, clock, random },
    mails: codeMailsOf('password_link', config, store, runtime),
  }
  const users = new Users({
    users: records.users,
    audit,
    hash,
    passwordFault,
    sessions: webSessions,
    enrolments: records.enrolments,
    invitations: records.invitations,
    passkeys: records.passkeys,
    namesakesOf: findNamesakes,
    candidates,
    clock,
    pools: config.pools.flatMap(({ ipv4 }) => ipv4 ?? []),
    random,
  })
  const signingIn = new SigningIn({
    login,
    passkeys: passkeys?.assertions,
    sessions: webSessions,
    noteSignIn: rechecked.noteSignIn,
    deadlineMs,
    ...{ clock, random, metrics: runtime.metrics },
  })
  const signOn = config.portal.singleSignOn
  return {
    ...runtime,
    records,
    webSessions,
    formKeys: keys.derive('unsent forms'),
    signingIn,
    singleSignOn: signOn && singleSignOn(signOn, ephemeral, { signingIn, sessions: webSessions }, runtime),
    enrolling: new Enrolling({
      enrolments: records.enrolments,
      pending: ephemeral.open<PendingEnrolment>('pending enrolments', MAX_PENDING_ENROLMENTS),
      keys,
      shape,
      issuer,
      totpWindow: { window, resync },
      audit,
      clock,
      random,
    }),
    passkeys: new Passkeys({ passkeys: records.passkeys, audit, clock, random }),
    enrollingPasskeys: passkeys?.enrolling,
    passkeyAssertions: passkeys?.assertions,
    passkeysOutrankCodes: passkeysOutrankCodes(config),
    inviting: new Inviting({
      ...{ invitations: records.invitations, audit, clock, random },
      mails: codeMailsOf('invitation', config, store, runtime),
    }),
    userLists: userListsOf(config, store, runtime, webSessions),
    passwordLinks: new PasswordLinks(passwordLinks),
    choosingPassword: new ChoosingPassword({
      ...passwordLinks,
      ...{ sessions: webSessions, hash, passwordFault },
    }),
    ending: new Ending({ ...records, gateways: agentGatewaysOf(config), clock, random }),
    lockouts: new Lockouts({
      ...{ store: records.lockouts, sessions: webSessions, subjectOf: subjectOfName },
      clock,
      random,
    }),
    trusts: new Trusts({ trusts: records.trusts, audit, clock, random }),
    users,
    approving: approvingOf(parts),
    oddAttempts: new OddAttempts({ attempts: records.attempts, audit, clock, random }),
    ownPassword: new OwnPassword({ candidates, records: records.users, users, passwordFault }),
    userQuotas: userQuotasOf(config, store, runtime),
    namesakesOf: findNamesakes,
    mayActOn: (target, rights) =>
      mayActOn(target, rights, {
        ...{ candidates, users: records.users, roles: http.roles, clock },
        patienceMs: deadlineMs,
      }),
    maySee: (name, { rights }) =>
      maySee(name, rights, {
        ...{ accountGroups: records.accountGroups, candidates, clock },
        patienceMs: deadlineMs,
      }),
    recordsOf: ({ rights }) => recordsOver(rights, records),
    callerOf: (request) => authentication.callerOf(request, 'known'),
    explain: (supposed) => explain(supposed, explaining),
    subjectOf: subjectOfName,
    readiness: new Readiness(dependencies, clock),
    policies: config.policies,
    takesPasskeys: takesPasskeys(config),
    days: new SiteDays(config.accounting.timeZone),
    gateways: config.gateways.map(({ name }) => name),
    agentGateways: agentGatewaysOf(config),
    expectationOf: (gateway, reachedAt) => expectationFor(config, gateway, reachedAt),
    version: packageFile.version,
    roles: http.roles,
    allow: http.allow,
    failuresWithinMs: config.lockout.withinMs,
    name: issuer,
    locales: config.portal.locales,
    publicUrl: config.portal.publicUrl,
    help: config.portal.help,
    enrolsByPassword: config.portal.enrolsByPassword,
    tellLocked: config.lockout.tellUser,
  }
}
