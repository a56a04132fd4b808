/**
 * The smallest identifier of a record made at this time or later: identifiers begin with their time (UUID version 7,
 * RFC 9562 §5.7).
 * @param at wall milliseconds.
 */
export function earliestId(at: number): string {
  const time = Math.max(0, Math.trunc(at)).toString(16).padStart(12, '0').slice(-12)
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`
}

/** When a record was made, in wall milliseconds; undefined where its identifier is none of that kind. */
export function timeOfId(id: string): number | undefined {
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(id)) return undefined
  return Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)
}
