import { z } from 'zod'
import type { Rate } from '../domain/duration.ts'
import type { Network } from '../domain/network.ts'
import type { Secret } from '../domain/secret.ts'
import type { Path } from './fault.ts'

type Whole = string | number | boolean | Secret | Network | Rate

/** A value of which the unsound parts are missing. */
export type Draft<T> = T extends Whole
  ? T
  : T extends readonly (infer Item)[]
    ? readonly (Draft<Item> | undefined)[]
    : { readonly [Key in keyof T]?: Draft<Exclude<T[Key], undefined>> | undefined }

/**
 * Reads what is sound and leaves out the rest, down to the single key, so that the cross-checks need not wait until
 * every other fault is mended.
 */
export function soundParts<T extends z.ZodType>(schema: T, raw: unknown): Draft<z.output<T>> | undefined {
  return parts(schema, raw) as Draft<z.output<T>> | undefined
}

function parts(schema: z.core.$ZodType, raw: unknown): unknown {
  const whole = z.safeParse(schema, raw)
  if (whole.success) return whole.data
  const inner = unwrapped(schema)
  if (inner instanceof z.ZodPipe && inner.def.in instanceof z.ZodTransform)
    return parts(inner.def.out, z.safeParse(inner.def.in, raw).data)
  if (inner instanceof z.ZodArray && Array.isArray(raw)) return raw.map((item) => parts(inner.element, item))
  if (!isMapping(raw) || !hasKeys(inner)) return undefined
  const keys = inner instanceof z.ZodObject ? Object.keys(inner.shape) : []
  return Object.fromEntries(
    [...new Set([...keys, ...Object.keys(raw)])].flatMap((key) => {
      const child = childSchema(inner, key, raw)
      const part = child === undefined ? undefined : parts(child, ownValue(raw, key))
      return part === undefined ? [] : [[key, part]]
    }),
  )
}

/** @returns the schema at a place, following what the file says where a schema has alternatives. */
export function schemaAt(schema: z.core.$ZodType, path: Path, raw: unknown): z.core.$ZodType | undefined {
  let here: z.core.$ZodType | undefined = schema
  let value = raw
  for (const step of path) {
    here = here === undefined ? undefined : childSchema(unwrapped(here), step, value)
    value = ownValue(value, step)
  }
  return here === undefined ? undefined : unwrapped(here)
}

/** @returns the keys that a mapping knows by name; none for anything else. */
export function knownKeys(schema: z.core.$ZodType | undefined): readonly string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
}

/** What the value has of its own under a key or a position. */
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

function childSchema(
  schema: z.core.$ZodType,
  step: string | number,
  value: unknown,
): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodPipe && schema.def.in instanceof z.ZodTransform)
    return childSchema(unwrapped(schema.def.out), step, value)
  if (schema instanceof z.ZodArray) return schema.element
  if (schema instanceof z.ZodRecord) return schema.def.valueType
  if (schema instanceof z.ZodObject)
    return Object.hasOwn(schema.shape, step) ? schema.shape[step] : schema.def.catchall
  if (!(schema instanceof z.ZodDiscriminatedUnion)) return undefined
  const { discriminator } = schema.def
  const chosen = schema.options.find(
    (option) =>
      option instanceof z.ZodObject &&
      z.safeParse(option.shape[discriminator], ownValue(value, discriminator)).success,
  )
  return chosen === undefined ? undefined : childSchema(chosen, step, value)
}

function hasKeys(schema: z.core.$ZodType): boolean {
  return (
    schema instanceof z.ZodObject ||
    schema instanceof z.ZodRecord ||
    schema instanceof z.ZodDiscriminatedUnion
  )
}

/** Optional or with a default: the schema of the value when it is given. */
function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault
    ? unwrapped(schema.def.innerType)
    : schema
}
