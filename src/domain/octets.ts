const DECIMAL = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
const FACTORS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}

/** Reads `50GB`, `1.5 TB` or `512MiB`. @returns octets, or undefined for other text and for what a number cannot hold. */
export function parseOctets(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s?([kmgt]?i?b)$/i.exec(text)
  const factor = FACTORS[(match?.[2] ?? '').toLowerCase()]
  if (match === null || factor === undefined) return undefined
  const octets = Math.round(Number(match[1]) * factor)
  return Number.isSafeInteger(octets) ? octets : undefined
}

/** In the decimal unit that reads best: `50 GB`, `1.5 GB`. */
export function octetsText(octets: number): string {
  let value = octets
  let unit = 0
  while (value >= 999.95 && unit < DECIMAL.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${Math.round(value * 10) / 10} ${DECIMAL[unit]}`
}
