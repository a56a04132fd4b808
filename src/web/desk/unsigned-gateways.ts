import { type ClientIdentity, clientOf, UNSIGNED_IS_NEWS_MS } from '../../domain/gateway.ts'
import type { HttpServices } from '../../http/services.ts'

/** Clients whose logins are dropped because they sign no more; see `SigningMemory`. */
export async function unsignedGateways({
  records,
  clock,
}: Pick<HttpServices, 'records' | 'clock'>): Promise<readonly ClientIdentity[]> {
  const since = clock.now() - UNSIGNED_IS_NEWS_MS
  const signing = await records.gateways.signing()
  return signing.flatMap(({ key, unsignedAt = 0 }) => (unsignedAt > since ? clientOf(key) : []))
}
