import type { CodecCost } from './codec.ts'
import type { Machine } from './machine.ts'
import type { Ratio, Summary } from './summary.ts'

export interface CaseResult {
  readonly name: string
  readonly about: string
  readonly inFlight: number
  /** Cores that others used between the rounds. */
  readonly disturbance: number
  readonly summaries: readonly Summary[]
  readonly ratios: readonly Ratio[]
}

export function machineLines(machine: Machine): string[] {
  const { cores, model, memoryGiB, node, kernel, load, durableWrites, argon2, argon2PerSecond } = machine
  return [
    `${cores} cores (${model}), ${memoryGiB} GiB, Linux ${kernel}, Node ${node}, load before: ${load.toFixed(1)}`,
    `the disk takes ${durableWrites} durable writes/s one by one`,
    `a password check (argon2id) takes ${argon2.toFixed(1)} ms of a core; all cores together do ${argon2PerSecond}/s`,
  ]
}

/** Each case's subjects, what they did, and how the broker stands to the others. */
export function caseLines({ name, about, inFlight, disturbance, summaries, ratios }: CaseResult): string[] {
  const rows = summaries.flatMap(rowsOf)
  const lines = table(HEADINGS, rows)
  for (const { of, against, perSecond, p50, p99, processor } of ratios) {
    lines.push(
      `  ${of} against ${against}: ${times(perSecond)} the operations, ${times(p50)} the p50, ` +
        `${times(p99)} the p99, ${times(processor)} the processor time`,
    )
  }
  for (const { subject, variant, failures, flood, besides } of summaries) {
    const who = [subject, variant].filter((word) => word !== '').join(', ')
    for (const [reason, count] of Object.entries(failures)) lines.push(`  ${who}: ${count} times ${reason}`)
    for (const line of besides) lines.push(`  ${who}: ${line}`)
    if (flood !== undefined) {
      lines.push(`  ${who}: ${whole(flood.perSecond)} strange packets/s, ${whole(flood.lost)} datagrams lost`)
    }
  }
  return ['', `${name}: ${about}; ${inFlight} in flight; ${othersUsed(disturbance)}`, ...lines]
}

export function othersUsed(disturbance: number): string {
  return `others used ${disturbance.toFixed(1)} cores between the rounds`
}

export function codecLines(cost: CodecCost): string[] {
  const micros = (value: number) => `${value.toFixed(1)} µs`
  const { microsPerRequest, fastestRepeat, slowestRepeat, requestOctets, replyOctets } = cost
  const { decode, verify, decrypt, sign } = cost.parts
  return [
    '',
    'codec: decode, verify, decrypt, encode and sign one request, on one thread',
    `  ${micros(microsPerRequest)} (${micros(fastestRepeat)} to ${micros(slowestRepeat)}), the budget is 25 µs`,
    `  decode ${micros(decode)}, verify ${micros(verify)}, decrypt ${micros(decrypt)}, encode and sign ${micros(sign)}`,
    `  the request has ${requestOctets} octets, the reply ${replyOctets}`,
  ]
}

const HEADINGS = [
  '',
  'per s',
  'p50 ms',
  'p99 ms',
  'CPU µs/op',
  'RSS MiB',
  'peak',
  'resent',
  'failed',
  'load gen.',
]

function rowsOf(summary: Summary): string[][] {
  const { subject, variant, parts, perSecond, processor, resident, peak, retransmits, failures } = summary
  const [all, ...halves] = parts
  const failed = Object.values(failures).reduce((sum, count) => sum + count, 0)
  const title = [subject, variant].filter((word) => word !== '').join(', ')
  return [
    [
      `  ${title}`,
      whole(perSecond),
      latency(all?.p50),
      latency(all?.p99),
      whole(processor),
      whole(resident),
      whole(peak),
      whole(retransmits),
      whole(failed),
      `${whole(summary.generator * 100)} %`,
    ],
    ...halves.map(({ part, p50, p99 }) => [`    of it the ${part}`, '', latency(p50), latency(p99)]),
  ]
}

/** The first column to the left, numbers to the right. */
function table(headings: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [headings, ...rows]
  const widths = headings.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)))
  return all.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  )
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

function latency(milliseconds = Number.NaN): string {
  return milliseconds.toFixed(milliseconds < 10 ? 2 : 1)
}

function times(ratio: number): string {
  return `${ratio.toFixed(2)} ×`
}
