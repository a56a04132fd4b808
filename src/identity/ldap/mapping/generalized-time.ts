/** @returns wall milliseconds; undefined for what is no GeneralizedTime in UTC (RFC 4517 §3.3.13). */
export function generalizedTime(value: string): number | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:[.,](\d{1,6}))?Z$/.exec(value)
  if (parts === null) return undefined
  const [, year, month, day, hour, minute, second, fraction = '0'] = parts
  const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(at) ? undefined : at + Number(`0.${fraction}`) * 1000
}
