import { contains, parseAddress, parseNetwork } from '../../domain/network.ts'

/** A packet as far as it is known; what is left out may be anything. */
export interface Packet {
  readonly protocol?: 'tcp' | 'udp'
  readonly dport?: number
  /** The name of the device by which it comes. */
  readonly iifname?: string
  /** The source address. */
  readonly saddr?: string
}

type Expression = Readonly<Record<string, unknown>>

interface Chain {
  readonly family: string
  readonly table: string
  readonly name: string
  readonly type?: string
  readonly hook?: string
  readonly prio?: number
  readonly policy?: string
}

/** What `nft -j list ruleset` prints; iptables' own rules are among them. */
export interface Ruleset {
  readonly chains: readonly Chain[]
  readonly rulesOf: (chain: Pick<Chain, 'family' | 'table' | 'name'>) => readonly (readonly Expression[])[]
}

/** @returns undefined where it is no ruleset. */
export function readRuleset(printed: unknown): Ruleset | undefined {
  const items = (printed as { nftables?: unknown } | undefined)?.nftables
  if (!Array.isArray(items)) return undefined
  const chains: Chain[] = []
  const rules = new Map<string, (readonly Expression[])[]>()
  for (const item of items as readonly {
    readonly chain?: Chain
    readonly rule?: { family: string; table: string; chain: string; expr?: Expression[] }
  }[]) {
    if (item.chain !== undefined) chains.push(item.chain)
    if (item.rule === undefined) continue
    const { family, table, chain, expr = [] } = item.rule
    const key = keyOf({ family, table, name: chain })
    rules.set(key, [...(rules.get(key) ?? []), expr])
  }
  return { chains, rulesOf: (chain) => rules.get(keyOf(chain)) ?? [] }
}

function keyOf({ family, table, name }: Pick<Chain, 'family' | 'table' | 'name'>): string {
  return [family, table, name].join(' ')
}

/**
 * Whether a first packet of IPv4 is surely dropped at a hook. What cannot be told counts as accepted: a false alarm would be
 * worse than none. @returns the chain that drops it.
 */
export function droppedAt(ruleset: Ruleset, hook: string, packet: Packet): string | undefined {
  const bases = ruleset.chains
    .filter((chain) => chain.hook === hook && chain.type === 'filter' && isIpv4(chain))
    .sort((one, other) => (one.prio ?? 0) - (other.prio ?? 0))
  for (const base of bases) {
    const end = follow(ruleset, base, packet, 0) ?? base.policy
    if (end === 'drop') return `${base.family} ${base.table} ${base.name}`
  }
  return undefined
}

/** Whether a rule at the hook may translate the source of a packet. */
export function isTranslated(ruleset: Ruleset, packet: Packet): boolean {
  const chains = ruleset.chains.filter((chain) => isIpv4(chain))
  return chains.some((chain) =>
    ruleset
      .rulesOf(chain)
      .some((rule) => rule.some(isSourceNat) && rule.every((each) => matches(each, packet) !== false)),
  )
}

function isIpv4({ family }: Chain): boolean {
  return family === 'ip' || family === 'inet'
}

function isSourceNat(expression: Expression): boolean {
  if ('masquerade' in expression || 'snat' in expression) return true
  const target = (expression.xt as { name?: unknown } | undefined)?.name
  return target === 'MASQUERADE' || target === 'SNAT'
}

const MAX_DEPTH = 16

/** @returns where the packet ends in this chain; undefined where it comes out at the end. */
function follow(
  ruleset: Ruleset,
  chain: Pick<Chain, 'family' | 'table' | 'name'>,
  packet: Packet,
  depth: number,
): 'accept' | 'drop' | undefined {
  if (depth > MAX_DEPTH) return 'accept'
  for (const rule of ruleset.rulesOf(chain)) {
    const matched = rule.map((each) => matches(each, packet))
    if (matched.includes(false)) continue
    const isSure = matched.every((each) => each === true)
    for (const expression of rule) {
      if ('accept' in expression || 'queue' in expression) return 'accept'
      if (isSure && ('drop' in expression || 'reject' in expression || isXtReject(expression))) return 'drop'
      if ('return' in expression && isSure) return undefined
      const target = (expression.jump ?? expression.goto) as { target?: unknown } | undefined
      if (typeof target?.target !== 'string') continue
      const end = follow(ruleset, { ...chain, name: target.target }, packet, depth + 1)
      if (end === 'accept' || (end === 'drop' && isSure)) return end
    }
  }
  return undefined
}

function isXtReject(expression: Expression): boolean {
  return (expression.xt as { name?: unknown } | undefined)?.name === 'REJECT'
}

interface Match {
  readonly op?: string
  readonly left?: {
    readonly meta?: { readonly key?: string }
    readonly ct?: { readonly key?: string }
    readonly payload?: { readonly protocol?: string; readonly field?: string }
  }
  readonly right?: unknown
}

/** @returns undefined where it cannot be told. */
function matches(expression: Expression, packet: Packet): boolean | undefined {
  if ('xt' in expression) return isXtReject(expression) || isSourceNat(expression) ? true : undefined
  if (!('match' in expression)) return true
  const { op = '==', left = {}, right } = expression.match as Match
  const value = fieldOf(left, packet)
  if (value === undefined) return undefined
  const isEqual = value !== NEVER && isIn(right, value)
  return op === '!=' ? !isEqual : isEqual
}

/** The packet has no such field. */
const NEVER: unique symbol = Symbol('never')

function fieldOf(
  { meta, ct, payload }: NonNullable<Match['left']>,
  packet: Packet,
): string | number | typeof NEVER | undefined {
  if (ct?.key === 'state') return 'new'
  if (meta?.key === 'iifname' || meta?.key === 'iif') return packet.iifname
  if (meta?.key === 'l4proto') return packet.protocol
  if (payload?.field === 'saddr' && payload.protocol === 'ip') return packet.saddr
  if (payload?.field !== 'dport') return undefined
  const isOther =
    packet.protocol !== undefined && payload.protocol !== 'th' && payload.protocol !== packet.protocol
  return isOther ? NEVER : packet.dport
}

function isIn(right: unknown, value: string | number): boolean {
  if (Array.isArray(right)) return right.some((each) => isIn(each, value))
  if (typeof right === 'string' && right.endsWith('*')) return String(value).startsWith(right.slice(0, -1))
  if (typeof right !== 'object' || right === null) return right === value
  if ('set' in right) return isIn(right.set, value)
  if ('range' in right && Array.isArray(right.range)) {
    const [from, to] = right.range as readonly unknown[]
    return typeof from === 'number' && typeof to === 'number' && from <= Number(value) && Number(value) <= to
  }
  if (!('prefix' in right)) return false
  const { addr, len } = right.prefix as { addr?: unknown; len?: unknown }
  const [network, address] = [parseNetwork(`${addr}/${len}`), parseAddress(String(value))]
  return network !== undefined && address !== undefined && contains(network, address)
}
