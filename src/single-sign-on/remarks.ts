import { genericGrantRequest } from 'openid-client'
import type { ProviderRemark } from '../domain/single-sign-on.ts'
import { answerOfError } from './answer-of-error.ts'
import { type ClientOptions, discover } from './discover.ts'

export interface RemarkOptions extends ClientOptions {
  readonly publicUrl: string
  readonly callbackPath: string
  readonly logout: boolean
}

/**
 * What does not fit although the provider answers. Signs nobody in: whether the secret is right shows in the answer to a
 * code that was never given. @throws Unavailable; OperatorError where the provider is not what the configuration says.
 */
export async function providerRemarks(options: RemarkOptions): Promise<readonly ProviderRemark[]> {
  const { metadata, newClient } = await discover(options)
  const remarks: ProviderRemark[] = []
  try {
    await genericGrantRequest(newClient(), 'authorization_code', {
      code: 'asked-by-doctor',
      redirect_uri: `${options.publicUrl}${options.callbackPath}`,
      code_verifier: 'asked-by-doctor'.repeat(3),
    })
  } catch (error) {
    const answer = answerOfError(error)
    if (answer.kind === 'refused' && answer.remedy !== undefined) remarks.push('wrong_client')
  }
  if (options.logout && metadata.end_session_endpoint === undefined) remarks.push('no_sign_out')
  return remarks
}
