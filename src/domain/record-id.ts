/**
 * The smallest identifier of a record made at this time or later: identifiers begin with their time (UUID version 7,
 * RFC 9562 §5.7).
 * @param at wall milliseconds.
 */
export function earliestId(at: number): string {
  const time = Math.max(0, Math.trunc(at)).toString(16).padStart(12, '0').slice(-12)
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`
}
