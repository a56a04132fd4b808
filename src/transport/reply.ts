import type { Entitlement } from '../domain/policy.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { Words } from '../domain/words.ts'
import type { ChallengePrompt } from '../login/ask-for-code.ts'
import type { Decision } from '../login/decide.ts'
import { Attr, Code } from '../radius/codes.ts'
import { grantAttributes } from '../radius/grant-attributes.ts'
import type { NewAttribute } from '../radius/packet.ts'

/** A decision in RADIUS' terms, yet to be signed. */
export interface UnsignedReply {
  readonly code: number
  readonly attributes: readonly NewAttribute[]
}

export interface ReplyOptions {
  readonly words: Words
  /** Whether a locked user is told so, and for how long; otherwise they read what a wrong password brings. */
  readonly tellLocked: boolean
}

/** Policies' entitlements are the same objects at every login, so each is coded once. */
const coded = new WeakMap<Entitlement, readonly NewAttribute[]>()

/** @throws AttributeError where a user's own attributes cannot be coded. */
export function replyTo(decision: Decision, options: ReplyOptions): UnsignedReply {
  switch (decision.kind) {
    case 'grant':
      return { code: Code.AccessAccept, attributes: attributesOf(decision.entitlement) }
    case 'challenge': {
      // ocserv fails a login whose challenge lacks either of the two.
      const state = { type: Attr.State, value: Buffer.from(decision.state) }
      return {
        code: Code.AccessChallenge,
        attributes: [state, message(prompt(decision.prompt, options.words))],
      }
    }
    case 'refusal':
      return { code: Code.AccessReject, attributes: [message(explanation(decision, options))] }
  }
}

function attributesOf(entitlement: Entitlement): readonly NewAttribute[] {
  const known = coded.get(entitlement)
  if (known !== undefined) return known
  const attributes = grantAttributes(entitlement)
  coded.set(entitlement, attributes)
  return attributes
}

function prompt(challenge: ChallengePrompt, words: Words): string {
  switch (challenge.kind) {
    case 'enter_code':
      return words.enterCode
    case 'wrong_code':
      return words.wrongCode(challenge.triesLeft)
    case 'used_code':
      return words.usedCode(challenge.triesLeft)
    case 'enrol':
      return words.enrol(challenge.page, challenge.code.reveal(), challenge.again)
    case 'store':
      return challenge.text ?? words.enterCode
  }
}

function explanation({ reason, retryAfterMs, tell }: Refusal, { words, tellLocked }: ReplyOptions): string {
  if (reason === 'locked' && !tellLocked) return words.refused('bad_credentials', undefined)
  if (tell !== undefined) return words.barred[tell]
  return words.refused(reason, retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs / 60_000))
}

function message(text: string): NewAttribute {
  return { type: Attr.ReplyMessage, value: Buffer.from(text) }
}
