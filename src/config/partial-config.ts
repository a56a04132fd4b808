import type { z } from 'zod'
import type { Rate } from '../domain/duration.ts'
import type { Network } from '../domain/network.ts'
import type { Secret } from '../domain/secret.ts'
import type { Path } from '../schema/config-error.ts'

type Whole = string | number | boolean | Secret | Network | Rate

/** A value from which the parts with a fault are missing. */
export type PartialConfig<T> = T extends Whole
  ? T
  : T extends readonly (infer Item)[]
    ? readonly (PartialConfig<Item> | undefined)[]
    : { readonly [Key in keyof T]?: PartialConfig<Exclude<T[Key], undefined>> | undefined }

export type Issue = z.core.$ZodRawIssue

export interface Parsed<T> {
  /** Whole, if there are no issues. */
  readonly value: T | undefined
  /** What could be read beside the issues, so that the cross-checks can run in spite of them. */
  readonly partial: PartialConfig<T> | undefined
  readonly issues: readonly Issue[]
}

/** Runs zod's own parser, which goes on after a fault and also yields what it could read: `safeParse` keeps that back. */
export function parsePartially<T extends z.ZodType>(schema: T, raw: unknown): Parsed<z.output<T>> {
  const result = schema._zod.run({ value: raw, issues: [] }, { async: false })
  if (result instanceof Promise)
    throw new TypeError('the schema of the configuration must not be asynchronous')
  const { value, issues } = result
  if (issues.length === 0) return { value: value as z.output<T>, partial: value as never, issues }
  const partial = issues.reduce<unknown>((rest, issue) => {
    // A list of the wrong length holds sound items, and an unknown key is left out already.
    const isKept = issue.code === 'unrecognized_keys' || issue.origin === 'array'
    return isKept ? rest : without(rest, pathOf(issue))
  }, value)
  return { value: undefined, partial: partial as PartialConfig<z.output<T>> | undefined, issues }
}

export function pathOf({ path = [] }: Issue): Path {
  return path.map((step) => (typeof step === 'number' ? step : String(step)))
}

/** A copy without the value at a place: a key is removed, a list item becomes undefined. */
function without(value: unknown, [step, ...rest]: Path): unknown {
  if (step === undefined) return undefined
  const inner = rest.length > 0 ? without(ownValue(value, step), rest) : undefined
  if (Array.isArray(value)) return value.map((item, index) => (index === step ? inner : item))
  if (!isMapping(value)) return value
  const { [step]: _, ...others } = value
  return inner === undefined ? others : { ...others, [step]: inner }
}

/** The value's own member under a key or a position. */
export function ownValue(value: unknown, step: string | number): unknown {
  if (Array.isArray(value)) return value[Number(step)]
  return isMapping(value) && Object.hasOwn(value, step) ? value[step] : undefined
}

export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce(ownValue, value)
}

export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
