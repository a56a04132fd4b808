import type { Clock } from '../../domain/clock.ts'
import { messageOf, Unavailable } from '../../domain/errors.ts'
import type {
  FirstFactorAnswer,
  FirstFactorContext,
  IdentityProvider,
  LookupAnswer,
} from '../../domain/identity-provider.ts'
import type { Log } from '../../domain/log.ts'
import { hasIgnorableCharacters } from '../../domain/login-name.ts'
import type { Randomness } from '../../domain/random.ts'
import type { Secret } from '../../domain/secret.ts'
import { Attr, Code } from '../../radius/codes.ts'
import { encodeAttribute } from '../../radius/dictionary.ts'
import { all, first, type NewAttribute, type Packet } from '../../radius/packet.ts'
import { accountOf, isPassable, type UpstreamReplyRules } from './account.ts'
import { asText, readState, type UpstreamState } from './challenge-state.ts'
import { firstAnswer } from './failover.ts'
import { type IgnoredReason, NoAnswer } from './no-answer.ts'
import { promptOf } from './prompt.ts'
import { UpstreamServer, type UpstreamServerOptions } from './upstream-server.ts'

export interface UpstreamRadiusOptions {
  /** As the configuration calls this store. */
  readonly name: string
  /** Asked in this order. */
  readonly servers: readonly UpstreamServerOptions[]
  readonly clock: Clock
  readonly random: Randomness
  readonly log: Log
  /** Sent behind the name, as `name@realm`. */
  readonly realm?: string
  /** NAS-Identifier where the gateway's name is not known. */
  readonly nasIdentifier?: string
  /** Further attributes of every Access-Request, by dictionary name; NAS-Port-Type is Virtual unless it is among them. */
  readonly requestAttributes?: Readonly<Record<string, string | number>>
  /** What of an Access-Accept is taken over; by default nothing. */
  readonly reply?: UpstreamReplyRules
  /** Milliseconds that one server may take before the next is asked; absent: an equal share of the time left. */
  readonly answerWithinMs?: number
  /** Source sockets for each server, at least 16; 256 requests can be in flight on each. */
  readonly sockets?: number
  /** Milliseconds after which an unanswered request is sent again. */
  readonly resendMs?: number
  /** Milliseconds between two questions whether a dead server is back. */
  readonly probeEveryMs?: number
  /** Milliseconds after which one login tries a dead server that knows no Status-Server. */
  readonly deadForMs?: number
}

export interface UpstreamRadiusIdentity extends IdentityProvider {
  /** How many datagrams from the servers' addresses were not believed, for this reason, since the start. */
  ignoredReplies(reason: IgnoredReason): number
  close(): Promise<void>
}

const MIN_SOCKETS = 16
const MAX_PASSWORD_OCTETS = 128
const MAX_VALUE_OCTETS = 253
/** A VPN (RFC 2865 §5.41); policies of many servers ask for it. */
const DEFAULT_REQUEST: Readonly<Record<string, string | number>> = { 'NAS-Port-Type': 'Virtual' }

/**
 * Users whom other RADIUS servers know. An Access-Reject is `wrong`, whatever the reason was: RADIUS has no word for
 * an unknown user, so such a store belongs at the end of the order. Its
 * requests carry a Proxy-State of their own; those of the gateways are the business of the broker's replies.
 * @throws AttributeError where `requestAttributes` cannot be coded, RangeError where `reply` names what cannot be passed on.
 */
export function upstreamRadiusIdentity(options: UpstreamRadiusOptions): UpstreamRadiusIdentity {
  const { name, clock, random, log, realm, reply = {}, answerWithinMs, nasIdentifier = 'ocbroker' } = options
  const what = `identity ${name}`
  const surroundings = {
    store: name,
    clock,
    random,
    log,
    nasIdentifier,
    sockets: Math.max(MIN_SOCKETS, options.sockets ?? MIN_SOCKETS),
    resendMs: options.resendMs ?? 1000,
    probeEveryMs: options.probeEveryMs ?? 5000,
    deadForMs: options.deadForMs ?? 30_000,
  }
  const servers = options.servers.map((server) => new UpstreamServer(server, surroundings))
  const standing = Object.entries({ ...DEFAULT_REQUEST, ...options.requestAttributes }).map((entry) =>
    encodeAttribute(...entry),
  )
  const refused = reply.attributes?.find((attribute) => !isPassable(attribute))
  if (refused !== undefined) throw new RangeError(`${what}: ${refused} cannot be passed on to users`)

  async function authenticate(
    user: string,
    password: Secret,
    deadline: number,
    context: FirstFactorContext = {},
  ): Promise<FirstFactorAnswer> {
    if (hasIgnorableCharacters(user)) return { kind: 'unknown' }
    const userName = Buffer.from(realm === undefined ? user : `${user}@${realm}`)
    if (userName.length > MAX_VALUE_OCTETS) return { kind: 'unknown' }
    if (password.bytes().length > MAX_PASSWORD_OCTETS)
      return { kind: 'wrong', detail: `a password of over ${MAX_PASSWORD_OCTETS} octets` }
    const challenge = context.state === undefined ? undefined : readState(context.state)
    const attributes = [{ type: Attr.UserName, value: userName }, ...attributesOf(context, challenge)]
    const { server, answer } = await ask(
      challenge === undefined ? servers : servers.filter(({ key }) => key === challenge.server),
      attributes,
      password,
      deadline,
    )
    return read(answer, server, password)
  }

  async function ask(
    asked: readonly UpstreamServer[],
    attributes: readonly NewAttribute[],
    password: Secret,
    deadline: number,
  ): Promise<{ server: UpstreamServer; answer: Packet }> {
    if (asked.length === 0) throw new Unavailable(what, 'the server that asked is configured no more')
    try {
      return await firstAnswer({ servers: asked, clock, answerWithinMs }, deadline, (server, patienceMs) =>
        server.authenticate(attributes, password, patienceMs),
      )
    } catch (error) {
      throw unavailable(error)
    }
  }

  function attributesOf(
    { address, gateway }: FirstFactorContext,
    challenge: UpstreamState | undefined,
  ): NewAttribute[] {
    const attributes = [...standing, text(Attr.NasIdentifier, gateway ?? nasIdentifier)]
    if (address !== undefined) attributes.push(text(Attr.CallingStationId, address))
    if (challenge !== undefined && challenge.state.length > 0)
      attributes.push({ type: Attr.State, value: challenge.state })
    return attributes
  }

  function read(answer: Packet, server: UpstreamServer, given: Secret): FirstFactorAnswer {
    const messages = all(answer, Attr.ReplyMessage).map((message) => message.toString('utf8'))
    switch (answer.code) {
      case Code.AccessAccept: {
        const leftOut = (attribute: string) =>
          log.warn('upstream.attribute_left_out', { store: name, server: server.key, attribute })
        return { kind: 'right', account: accountOf(answer, reply, leftOut) }
      }
      case Code.AccessChallenge: {
        const state = first(answer, Attr.State) ?? Buffer.alloc(0)
        return {
          kind: 'challenged',
          prompt: promptOf(messages),
          state: asText({ server: server.key, state }),
        }
      }
      default: {
        // It is kept for the operator, and some servers quote what they were given.
        const words = promptOf(withoutSecret(messages, given))
        const saying = words === undefined ? '' : `: ${words}`
        return { kind: 'wrong', detail: `rejected by ${server.key}${saying}` }
      }
    }
  }

  /** RADIUS has no question without a password. */
  async function lookup(): Promise<LookupAnswer> {
    return { kind: 'unknown' }
  }

  async function checkReady(deadline: number): Promise<void> {
    const patienceMs = deadline - clock.monotonic()
    const checks = servers.map(async (server) => {
      await server.checkAlive(patienceMs).catch((error: unknown) => {
        throw new Error(`${server.key}: ${messageOf(error)}`)
      })
    })
    try {
      await Promise.any(checks)
    } catch (error) {
      const causes = error instanceof AggregateError ? error.errors : [error]
      throw new Unavailable(what, causes.map(messageOf).join('; '))
    }
  }

  function unavailable(error: unknown): unknown {
    if (!(error instanceof NoAnswer)) return error
    return new Unavailable(what, error.message, { cause: error, passwordSent: error.why === 'silence' })
  }

  return {
    name,
    authenticate,
    lookup,
    mayMissUsers: true,
    needsPassword: true,
    checkReady,
    ignoredReplies: (reason) => servers.reduce((sum, { ignored }) => sum + (ignored.get(reason) ?? 0), 0),
    close: async () => {
      await Promise.all(servers.map((server) => server.close()))
    },
  }
}

/** What the server said without the secret, even where that is spread over two attributes. */
function withoutSecret(messages: readonly string[], given: Secret): readonly string[] {
  const each = messages.map((message) => given.redactedFrom(message))
  const whole = each.join('')
  const hidden = given.redactedFrom(whole)
  return hidden === whole ? each : [hidden]
}

function text(type: number, value: string): NewAttribute {
  return { type, value: Buffer.from(value) }
}
