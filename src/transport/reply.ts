import type { GraceLeft } from '../domain/grace.ts'
import type { Locale } from '../domain/locale.ts'
import type { Entitlement } from '../domain/policy.ts'
import { amountText, type QuotaStanding } from '../domain/quota.ts'
import { type Refusal, type RefusalReason, refuse } from '../domain/refusal.ts'
import type { Session } from '../domain/session.ts'
import { placesOfSessions } from '../domain/session-words.ts'
import { type MessageKey, type MessageValues, type Translate, translator } from '../i18n/messages.ts'
import { noticeTexts } from '../i18n/password-notice.ts'
import type { ChallengePrompt } from '../login/ask-for-code.ts'
import type { Decision } from '../login/flow.ts'
import { signReply } from '../radius/authenticators.ts'
import { Attr, Code } from '../radius/codes.ts'
import { grantAttributes } from '../radius/grant-attributes.ts'
import type { NewAttribute, Packet } from '../radius/packet.ts'
import { TLS_ALONE, tokenReply } from '../radius/radius-1-1.ts'
import type { RadiusClient } from './client-table.ts'

/** A decision as a RADIUS reply that is not signed yet. */
export interface UnsignedReply {
  readonly code: number
  readonly attributes: readonly NewAttribute[]
  /** As `Refusal.answerAt`. */
  readonly answerAt?: number
}

export interface ReplyOptions {
  /** The language of the VPN prompts. */
  readonly locale: Locale
  /** Whether a locked user reads so, and for how long; otherwise the text is that for a wrong password. */
  readonly tellLocked: boolean
}

/** Policies' entitlements are the same objects at every login, so each is encoded once. */
const encoded = new WeakMap<Entitlement, readonly NewAttribute[]>()

/** @throws AttributeError where a user's own attributes cannot be encoded. */
export function replyTo(decision: Decision, options: ReplyOptions): UnsignedReply {
  switch (decision.kind) {
    case 'grant':
      return { code: Code.AccessAccept, attributes: attributesOf(decision.entitlement) }
    case 'challenge': {
      // ocserv fails a login whose challenge lacks either of the two.
      const state = { type: Attr.State, value: Buffer.from(decision.state) }
      return {
        code: Code.AccessChallenge,
        attributes: [state, message(prompt(decision.prompt, translator(options.locale)))],
      }
    }
    case 'refusal':
      return {
        code: Code.AccessReject,
        attributes: [message(explanation(decision, options))],
        answerAt: decision.answerAt,
      }
  }
}

/** An Access-Reject for an outage. */
export function refusalTo(detail: string, options: ReplyOptions): UnsignedReply {
  return replyTo(refuse('unavailable', detail), options)
}

/** @throws PacketTooLong where the attributes and the request's Proxy-State pass 4096 octets. */
export function sign(request: Packet, { secret }: RadiusClient, { code, attributes }: UnsignedReply): Buffer {
  if (secret === TLS_ALONE) return tokenReply({ code, request, attributes })
  // Clients disagree on how it is computed in an Accounting-Response, so that goes without (RFC 5997 §4.2 aside).
  const messageAuthenticator = code !== Code.AccountingResponse || request.code === Code.StatusServer
  return signReply({ code, request, attributes, secret, messageAuthenticator })
}

function attributesOf(entitlement: Entitlement): readonly NewAttribute[] {
  const known = encoded.get(entitlement)
  if (known !== undefined) return known
  const attributes = grantAttributes(entitlement)
  encoded.set(entitlement, attributes)
  return attributes
}

function prompt(challenge: ChallengePrompt, t: Translate): string {
  switch (challenge.kind) {
    case 'enter_code':
      return [...noticeTexts(challenge.notice, t), t('vpn.enterCode')].join(' ')
    case 'approve': {
      const { notice, page, takesCode, triesLeft } = challenge
      const number = String(challenge.number)
      const or = takesCode ? 'code' : 'nothing'
      return triesLeft === undefined
        ? [...noticeTexts(notice, t), t('vpn.approve', { page, number, or })].join(' ')
        : t('vpn.approveAgain', { triesLeft, page, number, or })
    }
    // The texts differ with the count: ocserv takes the same prompt again for a retry of the same stage.
    case 'wrong_code':
      return t('vpn.wrongCode', { triesLeft: challenge.triesLeft })
    case 'used_code':
      return t('vpn.usedCode', { triesLeft: challenge.triesLeft })
    case 'too_many_sessions': {
      const { live, triesLeft } = challenge
      const places = placesIn(live, t)
      return t('vpn.tooManySessions', { count: live.length, places, triesLeft })
    }
    case 'enrol': {
      const { page, code, again, grace } = challenge
      const words = t(again ? 'vpn.enrolAgain' : 'vpn.enrol', { page, code: code.reveal() })
      if (grace === undefined) return words
      const { by, day, left } = graceValues(grace)
      return `${words} ${t('vpn.enrolOrGoOn', { by, day, left })}`
    }
    case 'grace': {
      const { by, day, left } = graceValues(challenge.left)
      const { page = '' } = challenge
      return t('vpn.grace', { by, day, left, page, where: page === '' ? 'nowhere' : 'page' })
    }
    case 'store':
      return challenge.text ?? t('vpn.enterCode')
  }
}

function graceValues(left: GraceLeft) {
  return left.kind === 'until'
    ? { by: 'day', day: left.day, left: 0 }
    : { by: 'logins', day: '', left: left.left }
}

/** A wrong password, an unknown or barred user and a wrong code read alike. */
export const REFUSAL_MESSAGES: Readonly<Record<RefusalReason, MessageKey>> = {
  locked: 'vpn.refused.locked',
  rate_limited: 'vpn.refused.rateLimited',
  no_second_factor: 'vpn.refused.noSecondFactor',
  passkey_refused: 'vpn.refused.failed',
  passkey_needed: 'vpn.refused.failed',
  no_policy: 'vpn.refused.noPolicy',
  no_address: 'vpn.refused.noAddress',
  quota_spent: 'vpn.refused.quotaSpent',
  too_many_sessions: 'vpn.refused.tooManySessions',
  challenge_expired: 'vpn.refused.tookTooLong',
  challenge_mismatch: 'vpn.refused.tookTooLong',
  unavailable: 'vpn.refused.unavailable',
  code_used: 'vpn.refused.codeUsed',
  not_approved: 'vpn.refused.notApproved',
  bad_credentials: 'vpn.refused.failed',
  barred: 'vpn.refused.failed',
  wrong_code: 'vpn.refused.failed',
  malformed_request: 'vpn.refused.failed',
  repeated_request: 'vpn.refused.failed',
}

function explanation(refusal: Refusal, { locale, tellLocked }: ReplyOptions): string {
  const t = translator(locale)
  const { reason, retryAfterMs, tell, isUntold, words, quota, live } = refusal
  if (words !== undefined) return words[locale] ?? Object.values(words)[0] ?? t(REFUSAL_MESSAGES[reason])
  if (reason === 'locked' && (!tellLocked || isUntold)) return t(REFUSAL_MESSAGES.bad_credentials)
  if (tell !== undefined) return t(`vpn.barred.${tell}`)
  if (reason === 'locked' && retryAfterMs !== undefined)
    return t('vpn.refused.lockedFor', { minutes: Math.ceil(retryAfterMs / 60_000) })
  if (reason === 'quota_spent' && quota !== undefined)
    return t(REFUSAL_MESSAGES.quota_spent, quotaValues(quota))
  if (live !== undefined)
    return t('vpn.refused.tooManySessions', { count: live.length, places: placesIn(live, t) })
  return t(REFUSAL_MESSAGES[reason])
}

function quotaValues({ quota: { measure, per, of }, most, beginsAgain }: QuotaStanding): MessageValues {
  return { amount: amountText(measure, most), measure, per, of, day: beginsAgain }
}

function placesIn(live: readonly Session[], t: Translate): string {
  return placesOfSessions(live, (gateway, time) => t('vpn.session', { gateway, time }))
}

function message(text: string): NewAttribute {
  return { type: Attr.ReplyMessage, value: Buffer.from(text) }
}
