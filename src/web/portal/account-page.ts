import type { Response } from 'express'
import { usernameOf } from '../../domain/login-name.ts'
import { MAX_PASSKEYS } from '../../domain/passkey.ts'
import { wantsPasskey } from '../../domain/scope.ts'
import type { WebSession } from '../../domain/web-session.ts'
import { browserSessionOf } from '../../http/browser-session.ts'
import type { Translate } from '../../i18n/messages.ts'
import { noticeTexts } from '../../i18n/password-notice.ts'
import { PORTAL } from '../../login/flow.ts'
import { goTo } from '../layout/forms.ts'
import { shownQuota } from '../layout/shown-quota.ts'
import { SHOWN_KINDS, shownActivity } from './activity.ts'
import { shownAuthenticators } from './authenticator-list.ts'
import { ownSessions } from './own-sessions.ts'
import type { Portal } from './portal.ts'

const MAX_LOCKS = 10
const MAX_EVENTS = 15

/** Shows users their own account: lockouts, authenticator, VPN sessions and recent activity. */
export async function showAccount(response: Response, portal: Portal, session: WebSession): Promise<void> {
  const { subject = '', groups, passwordNotice } = session
  const {
    oddAttempts,
    enrollingPasskeys,
    ownPassword,
    passkeys,
    records,
    roles,
    trusts,
    userQuotas,
    clock,
    tellLocked,
    enrolsByPassword,
  } = portal.services
  const standing = { state: 'in_force', at: clock.now() } as const
  const account = usernameOf(subject)
  const [enrolments, ownPasskeys, locks, odd, owner, trusted, quotas, sessions, events] = await Promise.all([
    records.enrolments.registeredOf(subject),
    enrollingPasskeys && passkeys.of(subject),
    tellLocked ? records.lockouts.list({ user: account, standing, limit: MAX_LOCKS }) : [],
    oddAttempts.of(subject),
    ownPassword.ownerOf(session),
    trusts.ofSubject(subject),
    userQuotas.standings({ subject, groups }),
    ownSessions(session, portal.services),
    records.audit.list({ user: account, kinds: SHOWN_KINDS, limit: MAX_EVENTS }),
  ])
  // Someone else has revoked them: the user has to sign in and set up another. A user whose two factors the provider of the
  // single sign-on has checked may have none.
  if (
    enrolments.length === 0 &&
    session.passkey === undefined &&
    session.signedOn?.hasSecondFactor !== true
  ) {
    await browserSessionOf(response.req).end()
    return goTo(response, '/')
  }
  const said = await portal.takeSaid(response.req)
  portal.show(response, {
    view: 'account',
    title: (t) => t('portal.account.title'),
    width: 'narrow',
    data: {
      said,
      odd,
      keepsPassword: owner !== undefined,
      authenticators: shownAuthenticators(enrolments),
      canEnrol: enrolsByPassword,
      passkeys: ownPasskeys,
      maxPasskeys: MAX_PASSKEYS,
      wantsPasskey: session.passkey === undefined && wantsPasskey(groups, roles),
      password: (t: Translate) => noticeTexts(passwordNotice, t),
      locks,
      trusts: trusted,
      quotas: quotas.map(shownQuota),
      sessions,
      traffic: (octets: number) => portal.trafficText(response.req, octets),
      events: shownActivity(events),
      portal: PORTAL,
    },
  })
}
