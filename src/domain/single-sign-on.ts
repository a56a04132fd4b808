/** Which claims of an ID token the broker goes by. */
export interface ClaimRules {
  /** The claim that holds the user name. */
  readonly userClaim: string
  /** The claim that holds groups; absent: none is looked at. */
  readonly groupsClaim?: string
  /** Values of `acr` that stand for two factors. */
  readonly acr: readonly string[]
  /** Values of `amr` of which one stands for a second factor. */
  readonly amr: readonly string[]
}

/** What must fit the answer of the provider. Plain JSON. */
export interface SignOnSecrets {
  /** `state` (RFC 6749 §10.12). */
  readonly state: string
  /** `nonce` (OpenID Connect Core §3.1.2.1). */
  readonly nonce: string
  /** PKCE's `code_verifier` (RFC 7636). */
  readonly verifier: string
}

/** The claims of one user, all of whose signatures, names and times were right. */
export interface ProvenClaims {
  readonly kind: 'claims'
  readonly claims: Readonly<Record<string, unknown>>
  /** As it was signed, for the sign-out at the provider. */
  readonly idToken: string
}

export type ProviderAnswer =
  | ProvenClaims
  /** The user, or the provider, said no. */
  | { readonly kind: 'cancelled' }
  /** Something did not fit. @property detail for the operator only. */
  | { readonly kind: 'refused'; readonly detail: string; readonly remedy?: string }

/** Whose sessions the provider ends. One of the two is always there. */
export interface SignOutOrder {
  readonly issuer: string
  readonly subject?: string
  readonly session?: string
  /** `jti`: the order is carried out once. */
  readonly id: string
}

/** What does not fit although the provider answers. */
export type ProviderRemark = 'wrong_client' | 'no_sign_out'

/** An OpenID Connect provider. Every method may throw `Unavailable`. */
export interface SingleSignOnProvider {
  /** Where the browser signs in. */
  signInUrl(secrets: SignOnSecrets): Promise<string>
  /**
   * Checks the answer that the browser brought back, and fetches and checks the ID token.
   * @param query the parameters of the request to the redirect URI, without a leading `?`.
   */
  redeem(query: string, secrets: SignOnSecrets): Promise<ProviderAnswer>
  /** Where the browser signs out; undefined where the provider has no such page, or it is not wanted. */
  signOutUrl(idToken: string | undefined): Promise<string | undefined>
  /** Reads a logout token; undefined where it is not a right one (OpenID Connect Back-Channel Logout 1.0 §2.6). */
  readSignOut(token: string): Promise<SignOutOrder | undefined>
}

/** What a browser session keeps of the single sign-on that it began with. */
export interface SignedOn {
  readonly issuer: string
  /** `iss`, `sub` and `sid` as names by which the provider can end the session; see `signOutNames`. */
  readonly endedBy: readonly string[]
  /** Absent where it is too large to be kept. */
  readonly idToken?: string
  /** By the provider. */
  readonly groups: readonly string[]
  /** Whether the provider has checked two factors. */
  readonly hasSecondFactor: boolean
}

/** The names under which the end of sessions is kept: no user has such a name, as none holds a blank. */
export function signOutNames({ issuer, subject, session }: Omit<SignOutOrder, 'id'>): readonly string[] {
  return [
    ...(subject === undefined ? [] : [`provider subject ${JSON.stringify([issuer, subject])}`]),
    ...(session === undefined ? [] : [`provider session ${JSON.stringify([issuer, session])}`]),
  ]
}
