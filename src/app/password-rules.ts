import type { Config } from '../config/schema.ts'
import { type PasswordRules, passwordRules } from '../identity/local/password-rules.ts'

/** The rules for new passwords of local users, by the configuration. */
export function passwordRulesOf({ secondFactor, portal }: Config): PasswordRules {
  const { publicUrl } = portal
  const host = publicUrl === undefined ? [] : [new URL(publicUrl).hostname]
  return passwordRules({
    secondFactorRequired: secondFactor.required,
    siteNames: ['ocbroker', secondFactor.totp.issuer, ...host],
  })
}
