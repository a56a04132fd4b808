import { foldName, hasIgnorableCharacters, type LoginName, parseLoginName } from '../domain/login-name.ts'
import {
  type ClaimRules,
  type ProvenClaims,
  type ProviderAnswer,
  type SignedOn,
  type SignOnSecrets,
  type SingleSignOnProvider,
  signOutNames,
} from '../domain/single-sign-on.ts'

let verified: (name: LoginName, signedOn: SignedOn) => VerifiedClaims

/** Whom the provider of the single sign-on has signed in. Only this file can make one, from the provider's own answer. */
export class VerifiedClaims {
  readonly kind = 'verified_claims'
  readonly name: LoginName
  readonly signedOn: SignedOn

  private constructor(name: LoginName, signedOn: SignedOn) {
    this.name = name
    this.signedOn = signedOn
  }

  static {
    verified = (name, signedOn) => new VerifiedClaims(name, signedOn)
  }
}

/** More would not fit into a session. */
const MAX_ID_TOKEN_OCTETS = 4 * 1024
const MAX_GROUPS = 500
const MAX_GROUP_LENGTH = 253

/** Lets the provider check what the browser brought back, and reads the claims. @throws Unavailable */
export async function verifyClaims(
  provider: Pick<SingleSignOnProvider, 'redeem'>,
  query: string,
  secrets: SignOnSecrets,
  rules: ClaimRules,
): Promise<VerifiedClaims | Exclude<ProviderAnswer, ProvenClaims>> {
  const answer = await provider.redeem(query, secrets)
  if (answer.kind !== 'claims') return answer
  const { claims, idToken } = answer
  const name = nameIn(claims, rules)
  if (typeof name === 'string') return { kind: 'refused', detail: name }
  const issuer = String(claims.iss)
  return verified(name, {
    issuer,
    endedBy: signOutNames({
      issuer,
      subject: String(claims.sub),
      session: typeof claims.sid === 'string' ? claims.sid : undefined,
    }),
    idToken: Buffer.byteLength(idToken) > MAX_ID_TOKEN_OCTETS ? undefined : idToken,
    groups: groupsIn(claims, rules),
    hasSecondFactor: hasSecondFactor(claims, rules),
  })
}

/** @returns what is wrong, for the operator. */
function nameIn(claims: ProvenClaims['claims'], { userClaim }: ClaimRules): LoginName | string {
  const value = claims[userClaim]
  if (typeof value !== 'string') return `the provider tells no claim ${userClaim}`
  // Many providers let users write any address into their profile.
  if (userClaim === 'email' && claims.email_verified !== true)
    return 'the provider has not verified the mail address (email_verified)'
  if (!isPlainlyWritten(value))
    return `the claim ${userClaim} holds characters that pass for others: it may be somebody else's name`
  return parseLoginName(value) ?? `the claim ${userClaim} is no user name`
}

/**
 * At a login wide, ligated and blank characters pass for the plain ones, as the password shows who it is. Here the name
 * itself does, and at the provider each such spelling may be another user.
 */
function isPlainlyWritten(value: string): boolean {
  const lower = Array.from(value, (character) => character.toLowerCase()).join('')
  return value === value.normalize('NFKC') && lower === foldName(value) && !hasIgnorableCharacters(value)
}

/** A list, or one group by itself. */
function groupsIn(claims: ProvenClaims['claims'], { groupsClaim }: ClaimRules): readonly string[] {
  const value = groupsClaim === undefined ? undefined : claims[groupsClaim]
  const all: readonly unknown[] = Array.isArray(value) ? value : [value]
  return all
    .filter((each) => typeof each === 'string')
    .filter(({ length }) => length > 0 && length <= MAX_GROUP_LENGTH)
    .slice(0, MAX_GROUPS)
}

/** Only what the ID token itself says, and only by the operator's lists. */
function hasSecondFactor({ acr, amr }: ProvenClaims['claims'], rules: ClaimRules): boolean {
  const methods: readonly unknown[] = Array.isArray(amr) ? amr : []
  return rules.acr.some((each) => each === acr) || rules.amr.some((each) => methods.includes(each))
}
