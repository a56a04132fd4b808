import type { Permit } from '../../domain/attempt-limits.ts'
import type { LoginAttempt } from '../../domain/login-attempt.ts'
import { type Refusal, refuse } from '../../domain/refusal.ts'
import type { Login } from '../login.ts'

/** Takes points for the attempt before anything is checked, so that parallel guesses cannot overtake the count. */
export async function takePermit(attempt: LoginAttempt, login: Login): Promise<Permit | Refusal> {
  const { limits, equalizer } = login.options
  const { name, address, gateway, request } = attempt
  const subject = { user: name.username, address, gateway }
  const permit = await limits.take(subject, request, () => login.isAtKnownAddress())
  if (permit.kind === 'repeated') return refuse('repeated_request', 'the request was taken before')
  if (permit.kind === 'limited') {
    const refusal = refuse('rate_limited', `limit of attempts by ${permit.by}`, permit.retryAfterMs)
    // A flood leaves one event for each window, not one for each packet.
    if (permit.first) login.auditAsync('login.refused', refusal)
    return refusal
  }
  login.permit = permit
  login.startedAt = equalizer.start()
  return permit
}
