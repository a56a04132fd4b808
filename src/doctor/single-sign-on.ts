import { OperatorError, Unavailable } from '../domain/errors.ts'
import type { ProviderRemark } from '../domain/single-sign-on.ts'
import { type Check, type Finding, fault, ok, warning } from './finding.ts'

const ABOUT = 'single sign-on'

const FINDINGS: Readonly<Record<ProviderRemark, Finding>> = {
  wrong_client: warning(
    ABOUT,
    'the provider does not know the broker by its secret',
    'see that client_id, client_secret_file and client_authentication are as the provider has them',
  ),
  no_sign_out: warning(
    ABOUT,
    'the provider has no page to sign out (end_session_endpoint)',
    'set logout: false in portal.single_sign_on',
  ),
}

/** Whether the provider answers, is the one of the configuration, and knows the broker. */
export function checkSingleSignOn(remarksOf: () => Promise<readonly ProviderRemark[]>): Check {
  return async () => {
    try {
      const remarks = await remarksOf()
      if (remarks.length === 0) return [ok(ABOUT, 'the provider answers and knows the broker')]
      return remarks.map((remark) => FINDINGS[remark])
    } catch (error) {
      if (error instanceof OperatorError) return [fault(ABOUT, error, 'see docs/single-sign-on.md')]
      if (!(error instanceof Unavailable)) throw error
      return [
        fault(
          ABOUT,
          error,
          'bring the provider back, or correct issuer and ca_file; passwords and codes go on',
        ),
      ]
    }
  }
}
