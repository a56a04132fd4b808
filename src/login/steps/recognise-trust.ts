import { Unavailable } from '../../domain/errors.ts'
import { CannotOpen, type KeyRing } from '../../domain/key-ring.ts'
import { customerNetwork, parseAddress } from '../../domain/network.ts'
import { Secret } from '../../domain/secret.ts'
import type { Trust } from '../../domain/trust.ts'
import type { Login } from '../login.ts'
import type { GovernedUser } from './find-policy.ts'

const PURPOSE = 'passwords of trusts'

let trusted: (user: GovernedUser, trust: Trust) => TrustedUser

/**
 * A user whose second factor is waived, because of a full login from the same network a short while ago. Only this file can
 * make one, and only a login at a gateway takes it.
 */
export class TrustedUser {
  readonly kind = 'trusted'
  readonly user: GovernedUser
  /** A later step spends it: it may have been revoked by then. */
  readonly trust: Trust

  private constructor(user: GovernedUser, trust: Trust) {
    this.user = user
    this.trust = trust
  }

  static {
    trusted = (user, trust) => new TrustedUser(user, trust)
  }
}

/**
 * Does the policy let this user in by password alone, because of a full login from this network? A user who shows a code,
 * or was asked for one, is not asked here: the code is checked.
 */
export function recogniseTrust(
  user: GovernedUser,
  login: Login,
): GovernedUser | Promise<GovernedUser | TrustedUser> {
  const network = trustableNetwork(user, login)
  return network === undefined ? user : lookForTrust(user, network, login)
}

async function lookForTrust(
  user: GovernedUser,
  network: string,
  login: Login,
): Promise<GovernedUser | TrustedUser> {
  const { trustMs = 0 } = user.choice.policy ?? {}
  const { records, clock } = login.options
  const { verified, enrolments } = user.enrolled
  const { person, code, asked } = verified
  if (enrolments.length > 0 && code === undefined && asked === undefined) {
    const { subject, source } = person
    const now = clock.now()
    const trust = await records.findTrust({ subject, source, network, now })
    const isOfOne = enrolments.some(({ id }) => id === trust?.enrolment)
    // A policy that has become shorter shortens what was given by it.
    const isFresh = trust !== undefined && isOfOne && now < trust.madeAt + trustMs
    if (isFresh && (await hasSamePassword(trust, user, login))) return trusted(user, trust)
  }
  return withPasswordHash(user, login)
}

/**
 * The network that a login may be trusted from, or makes a trust for; undefined where this user is never trusted: an
 * administrator, a user without an authenticator, or one who enrolled the first within this very login, by a password alone.
 */
export function trustableNetwork(
  { choice: { policy }, enrolled }: GovernedUser,
  { attempt: { address }, options, rules }: Login,
): string | undefined {
  const { enrolments, verified } = enrolled
  if (policy?.trustMs === undefined || policy.needsFreshFactor === true || rules.mode === 'only')
    return undefined
  if (enrolments.length === 0 || verified.asked?.length === 0) return undefined
  if (options.hasRole(verified.person.groups)) return undefined
  return address !== undefined && parseAddress(address) !== undefined ? customerNetwork(address) : undefined
}

async function hasSamePassword(
  { record, sealedPasswordHash }: Trust,
  { enrolled: { verified } }: GovernedUser,
  { options, attempt }: Login,
): Promise<boolean> {
  const { person, password } = verified
  if (person.record !== undefined) return person.record === record
  if (sealedPasswordHash === undefined || password === undefined) return false
  const hash = openHash(sealedPasswordHash, person.subject, options.keys)
  const patienceMs = Math.max(0, attempt.deadline - options.clock.monotonic())
  return hash !== undefined && options.passwordHashes.verify(hash, password, { patienceMs })
}

/** Without the key that sealed it, the code is asked for. */
function openHash(sealed: string, subject: string, keys: KeyRing): string | undefined {
  try {
    return keys.derive(PURPOSE).open(sealed, subject).reveal()
  } catch (error) {
    if (error instanceof CannotOpen) return undefined
    throw error
  }
}

/** The code may come with another request, which has no password any more. Without the hash no trust is made. */
async function withPasswordHash(user: GovernedUser, { options }: Login): Promise<GovernedUser> {
  const { enrolled } = user
  const { person, password } = enrolled.verified
  if (person.record !== undefined || password === undefined) return user
  try {
    const hash = await options.passwordHashes.hash(password)
    const sealedPasswordHash = options.keys.derive(PURPOSE).seal(new Secret(hash), person.subject)
    return { ...user, enrolled: { ...enrolled, sealedPasswordHash } }
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    return user
  }
}
