import type { Case } from './case.ts'
import type { Measured, Series } from './measure.ts'

/** The middle of what the rounds gave, for each figure by itself. */
export interface Summary {
  readonly subject: string
  readonly variant: string
  readonly perSecond: number
  readonly parts: readonly { readonly part: string; readonly p50: number; readonly p99: number }[]
  readonly processor: number
  readonly resident: number
  readonly peak: number
  readonly generator: number
  /** Over all rounds. */
  readonly retransmits: number
  readonly failures: Readonly<Record<string, number>>
  readonly flood?: { readonly perSecond: number; readonly lost: number }
  /** Of each round, lines to report about other things that went on. */
  readonly besides: readonly string[]
}

/** One series against another: the middle of the rounds' quotients. */
export interface Ratio {
  readonly of: string
  readonly against: string
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  readonly processor: number
}

export function summarise({ parts }: Case, { subject, variant, rounds }: Series): Summary {
  const middle = (of: (round: Measured) => number) => median(rounds.map(of))
  const floods = rounds.flatMap(({ flood }) => flood ?? [])
  return {
    subject,
    variant,
    perSecond: middle(({ perSecond }) => perSecond),
    parts: parts.map((part) => ({
      part,
      p50: middle((round) => round.parts.get(part)?.p50 ?? Number.NaN),
      p99: middle((round) => round.parts.get(part)?.p99 ?? Number.NaN),
    })),
    processor: middle(({ processor }) => processor),
    resident: middle(({ resident }) => resident),
    peak: Math.max(...rounds.map(({ peak }) => peak)),
    generator: middle(({ generator }) => generator),
    retransmits: rounds.reduce((sum, { retransmits }) => sum + retransmits, 0),
    failures: failuresOf(rounds),
    besides: rounds.flatMap(({ besides }) => besides ?? []),
    flood:
      floods.length === 0
        ? undefined
        : {
            perSecond: median(floods.map(({ perSecond }) => perSecond)),
            lost: floods.reduce((sum, { lost }) => sum + lost, 0),
          },
  }
}

/**
 * The first of the case against each other of the same variant, and what went on beside something against what did not.
 * @param all the broker's series first, as its case lists them.
 */
export function ratios({ parts: [part] }: Case, all: readonly Series[]): Ratio[] {
  const [first] = all
  if (first === undefined) return []
  const pairs = all.flatMap((series): [Series, Series][] => {
    const own = all.find(({ subject, variant }) => subject === first.subject && variant === series.variant)
    const calm = all.find(({ subject }) => subject === series.subject)
    return [
      ...(own === undefined || own === series ? [] : ([[own, series]] satisfies [Series, Series][])),
      ...(series.beside && calm !== undefined && calm !== series
        ? ([[series, calm]] satisfies [Series, Series][])
        : []),
    ]
  })
  return pairs.map(([own, baseline]) => {
    const middle = (of: (round: Measured) => number) =>
      median(
        own.rounds.map((round, index) => {
          const other = baseline.rounds[index]
          return other === undefined ? Number.NaN : of(round) / of(other)
        }),
      )
    return {
      of: nameOf(own),
      against: nameOf(baseline),
      perSecond: middle(({ perSecond }) => perSecond),
      p50: middle(({ parts }) => parts.get(part)?.p50 ?? Number.NaN),
      p99: middle(({ parts }) => parts.get(part)?.p99 ?? Number.NaN),
      processor: middle(({ processor }) => processor),
    }
  })
}

function nameOf({ subject, variant }: Series): string {
  return [subject, variant].filter((word) => word !== '').join(', ')
}

function failuresOf(rounds: readonly Measured[]): Record<string, number> {
  const failures: Record<string, number> = {}
  for (const round of rounds) {
    for (const [reason, count] of round.failures) failures[reason] = (failures[reason] ?? 0) + count
  }
  return failures
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const upper = sorted[sorted.length >> 1] ?? Number.NaN
  const lower = sorted[(sorted.length - 1) >> 1] ?? Number.NaN
  return (lower + upper) / 2
}
