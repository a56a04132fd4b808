import { writeFileSync } from 'node:fs'
import { temporaryFolder } from '../real/folder.ts'
import { freePort } from '../real/free-port.ts'
import { type RealProvider, startOidcProvider } from '../real/oidc-provider.ts'
import { startTestBroker, type TestBroker } from './test-broker.ts'

type Sections = Readonly<Record<string, unknown>>

export interface SignOnBroker {
  readonly broker: TestBroker
  readonly provider: RealProvider
}

/**
 * A broker whose portal signs in through a real provider.
 * @param more keys of `portal.single_sign_on`. @param sections beside `http` and `portal`.
 */
export async function startSignOnBroker(
  defer: (end: () => Promise<void>) => void,
  more: Sections = {},
  portal: Sections = {},
  sections: Sections = {},
): Promise<SignOnBroker> {
  const port = await freePort()
  const publicUrl = `http://127.0.0.1:${port}`
  const provider = await startOidcProvider(publicUrl)
  defer(provider.stop)
  const folder = temporaryFolder('single-sign-on')
  defer(folder.remove)
  const secretFile = folder.file('secret')
  writeFileSync(secretFile, `${provider.clientSecret}\n`, { mode: 0o600 })
  const single_sign_on = {
    name: 'Company login',
    issuer: provider.issuer,
    client_id: provider.clientId,
    client_secret_file: secretFile,
    scopes: ['profile', 'email', 'groups'],
    claims: { user: 'preferred_username', groups: 'groups' },
    second_factor: { acr: ['urn:two-factors'], amr: ['mfa'] },
    ...more,
  }
  const broker = await startTestBroker(
    { http: { port }, portal: { public_url: publicUrl, ...portal, single_sign_on }, ...sections },
    defer,
  )
  return { broker, provider }
}
