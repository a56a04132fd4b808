import type { SingleSignOnConfig } from '../config/sections/single-sign-on.ts'
import type { OpenEphemeralStore } from '../domain/ephemeral-store.ts'
import type { Runtime } from '../domain/runtime.ts'
import type { SingleSignOnProvider } from '../domain/single-sign-on.ts'
import {
  CALLBACK_PATH,
  type PendingSignOn,
  SingleSignOn,
  type SingleSignOnOptions,
} from '../http/single-sign-on.ts'

/** Sign-ins whose browsers are at the provider at one time; each costs about half a kilobyte. */
const MAX_PENDING = 50_000
const MAX_SIGN_OUTS = 20_000

export function singleSignOn(
  config: SingleSignOnConfig,
  { open }: { readonly open: OpenEphemeralStore },
  parts: Pick<SingleSignOnOptions, 'signingIn' | 'sessions'>,
  runtime: Runtime,
): SingleSignOn {
  return new SingleSignOn({
    name: config.name,
    rules: config.rules,
    provider: providerOf(config, runtime),
    pending: open<PendingSignOn>('single sign-ons', MAX_PENDING),
    signOuts: open<boolean>('sign-outs by the provider', MAX_SIGN_OUTS),
    ...parts,
    ...runtime,
  })
}

/** The provider, which nobody asks and whose code nobody loads before the first user comes. */
function providerOf(config: SingleSignOnConfig, { clock, log }: Runtime): SingleSignOnProvider {
  let opening: Promise<SingleSignOnProvider> | undefined
  const provider = () => {
    opening ??= import('../single-sign-on/provider.ts').then(({ openIdProvider }) =>
      openIdProvider({ ...config, callbackPath: CALLBACK_PATH, clock, log }),
    )
    return opening
  }
  return {
    signInUrl: async (secrets) => (await provider()).signInUrl(secrets),
    redeem: async (query, secrets) => (await provider()).redeem(query, secrets),
    signOutUrl: async (idToken) => (await provider()).signOutUrl(idToken),
    readSignOut: async (token) => (await provider()).readSignOut(token),
  }
}
