import { z } from 'zod'
import { echo, type Path, ValueError } from '../schema/config-error.ts'
import { closest, suggestOneOf } from './closest.ts'
import { type Issue, isMapping, ownValue, pathOf, valueAt } from './partial-config.ts'

interface SchemaFaults {
  readonly faults: readonly { readonly path: Path; readonly error: ValueError }[]
  /** Keys that the file has misspelt. */
  readonly misspelt: readonly Path[]
}

/** Describes zod's issues, each mistake once. */
export function schemaFaults(schema: z.ZodObject, raw: unknown, issues: readonly Issue[]): SchemaFaults {
  const faults: { path: Path; error: ValueError }[] = []
  const misspelt: Path[] = []
  for (const issue of issues) {
    if (issue.code !== 'unrecognized_keys') continue
    const path = pathOf(issue)
    for (const key of issue.keys) {
      const { error, meant } = unknownKey(schema, issue, path, key)
      faults.push({ path: [...path, key], error })
      if (meant !== undefined) misspelt.push([...path, meant])
    }
  }
  const isMisspelt = (path: Path) => misspelt.some((other) => other.join('\0') === path.join('\0'))
  for (const issue of issues) {
    const path = existing(pathOf(issue), raw)
    const value = valueAt(raw, path)
    if (issue.code === 'unrecognized_keys' || (value === undefined && isMisspelt(path))) continue
    faults.push({ path, error: unknownMember(schema, path, value) ?? describe(issue, value) })
  }
  return { faults, misspelt }
}

function unknownKey(
  root: z.ZodObject,
  { inst, input }: Issue,
  path: Path,
  key: string,
): { readonly error: ValueError; readonly meant?: string } {
  const known = knownKeys(inst)
  const [beforeColon = '', ...afterColon] = key.split(':')
  if (afterColon.length > 0 && known.includes(beforeColon)) {
    const error = new ValueError('has no space after the colon', `write "${beforeColon}: …"`)
    return { error, meant: beforeColon }
  }
  const free = known.filter((candidate) => ownValue(input, candidate) === undefined)
  const meant = closest(key, free) ?? closest(key, known)
  if (meant !== undefined) return { error: new ValueError('unknown key', `did you mean ${meant}?`), meant }
  const sections = Object.entries(root.shape).filter(([, section]) => knownKeys(section).includes(key))
  const [home] = path.length === 0 && sections.length === 1 ? (sections[0] ?? []) : []
  const suggestion = home === undefined ? `known here: ${known.join(', ')}` : `it belongs under ${home}`
  return { error: new ValueError('unknown key', suggestion) }
}

/** The keys that a mapping knows by name; none for anything else. */
export function knownKeys(schema: unknown): readonly string[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault)
    return knownKeys(schema.def.innerType)
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
}

/** A section that takes any name beside its own keys (`identity`): a misspelt key has a value of the wrong type. */
function unknownMember(root: z.ZodObject, path: Path, value: unknown): ValueError | undefined {
  const [section, key, ...deeper] = path
  const known = knownKeys(root.shape[String(section)])
  if (typeof key !== 'string' || deeper.length > 0 || isMapping(value)) return undefined
  if (known.length === 0 || known.includes(key)) return undefined
  return new ValueError('is neither a known key nor a mapping with a "type"', suggestOneOf(key, known))
}

function describe(issue: Issue, value: unknown): ValueError {
  if (issue.code === 'custom') {
    const suggestion: unknown = issue.params?.suggestion
    return new ValueError(issue.message ?? '', typeof suggestion === 'string' ? suggestion : undefined)
  }
  if (value === undefined) return new ValueError('is missing')
  if (value === null) return new ValueError('has no value', 'give one, or remove the key')
  switch (issue.code) {
    case 'invalid_type':
      return wrongType(issue.expected, value)
    case 'invalid_value':
      return notAmong(issue.values.map(String), value)
    case 'invalid_union':
      return notAmong(Array.isArray(issue.options) ? issue.options.map(String) : [], value)
    case 'too_small':
      return outOfRange(`${issue.minimum} or more`, issue.origin, value)
    case 'too_big':
      return outOfRange(`${issue.maximum} or less`, issue.origin, value)
    default:
      return new ValueError('is not right')
  }
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
}

function wrongType(expected: string, value: unknown): ValueError {
  return new ValueError(`must be ${TYPES[expected] ?? expected}`, remedy(expected, value))
}

function remedy(expected: string, value: unknown): string | undefined {
  const text = String(value).toLowerCase()
  if (expected === 'boolean' && ['yes', 'on', 'true', '1'].includes(text)) return 'write true'
  if (expected === 'boolean' && ['no', 'off', 'false', '0'].includes(text)) return 'write false'
  if (expected === 'number' && typeof value === 'string' && /^\d+$/.test(value))
    return `write ${value}, without quotes`
  if (expected === 'int' && typeof value === 'number') return `write ${Math.round(value)}`
  if (expected === 'array' && (typeof value === 'string' || typeof value === 'number'))
    return 'put it in square brackets, as a list of one'
  return undefined
}

function notAmong(values: readonly string[], value: unknown): ValueError {
  if (values.includes(String(value))) return new ValueError('is text', `write ${value}, without quotes`)
  if (isMapping(value) || Array.isArray(value)) return new ValueError(`must be one of ${values.join(', ')}`)
  const near = closest(String(value), values)
  return new ValueError(`${echo(value)} is not one of ${values.join(', ')}`, near && `did you mean ${near}?`)
}

function outOfRange(allowed: string, origin: string, value: unknown): ValueError {
  if (origin !== 'array' || !Array.isArray(value))
    return new ValueError(`${echo(value)} is out of range`, `write ${allowed}`)
  if (value.length === 0) return new ValueError('is an empty list', 'add an entry, or remove the key')
  return new ValueError(`has ${value.length} entries; ${allowed} are allowed`)
}

/** The path without list positions that the file does not have: a single value may stand for a list of one. */
function existing(path: Path, raw: unknown): Path {
  return path.filter((step, index) => {
    return typeof step !== 'number' || Array.isArray(valueAt(raw, path.slice(0, index)))
  })
}
