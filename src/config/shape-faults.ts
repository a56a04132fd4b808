import type { z } from 'zod'
import { closest, suggestOneOf } from './closest.ts'
import { echo, type Path } from './fault.ts'
import { isMapping, knownKeys, ownValue, schemaAt, valueAt } from './schema-walk.ts'

/** A fault of shape, with the place as steps. */
interface ShapeFault {
  readonly path: Path
  readonly problem: string
  readonly suggestion?: string
}

export interface ShapeFaults {
  readonly faults: readonly ShapeFault[]
  /** Keys that are not there because the file has them misspelt. */
  readonly misspelt: readonly Path[]
}

type Issue = z.core.$ZodIssue
interface Words {
  readonly problem: string
  readonly suggestion?: string | undefined
}

/** Puts what the schema says about the file into words; each slip is told once. */
export function shapeFaults(schema: z.ZodObject, raw: unknown): ShapeFaults {
  const result = schema.safeParse(raw)
  const faults: ShapeFault[] = []
  const misspelt: Path[] = []
  const add = (path: Path, { problem, suggestion }: Words) => {
    faults.push(suggestion === undefined ? { path, problem } : { path, problem, suggestion })
  }
  const issues = result.error?.issues ?? []
  for (const issue of issues) {
    if (issue.code !== 'unrecognized_keys') continue
    const path = issue.path.map(asStep)
    for (const key of issue.keys) {
      const { words, meant } = unknownKey(schema, raw, path, key)
      add([...path, key], words)
      if (meant !== undefined) misspelt.push([...path, meant])
    }
  }
  const isMisspelt = (path: Path) => misspelt.some((other) => other.join('\0') === path.join('\0'))
  for (const issue of issues) {
    if (issue.code === 'unrecognized_keys') continue
    const path = existing(issue.path.map(asStep), raw)
    const value = valueAt(raw, path)
    if (value === undefined && isMisspelt(path)) continue
    add(path, unknownMember(schema, raw, path, value) ?? wordsFor(issue, value))
  }
  return { faults, misspelt }
}

function unknownKey(
  schema: z.ZodObject,
  raw: unknown,
  path: Path,
  key: string,
): { words: Words; meant?: string } {
  const known = knownKeys(schemaAt(schema, path, raw))
  const [beforeColon = '', ...afterColon] = key.split(':')
  if (afterColon.length > 0 && known.includes(beforeColon))
    return {
      words: { problem: 'has no space behind the colon', suggestion: `write "${beforeColon}: …"` },
      meant: beforeColon,
    }
  const here = valueAt(raw, path)
  const free = known.filter((candidate) => ownValue(here, candidate) === undefined)
  const meant = closest(key, free) ?? closest(key, known)
  if (meant !== undefined)
    return { words: { problem: 'unknown key', suggestion: `did you mean ${meant}?` }, meant }
  const homes =
    path.length > 0 ? [] : knownKeys(schema).filter((section) => sectionKnows(schema, section, key))
  const suggestion = homes.length === 1 ? `it belongs under ${homes[0]}` : `known here: ${known.join(', ')}`
  return { words: { problem: 'unknown key', suggestion } }
}

function sectionKnows(schema: z.ZodObject, section: string, key: string): boolean {
  return knownKeys(schemaAt(schema, [section], {})).includes(key)
}

/** A mapping that takes any name has no unknown keys; a misspelt one shows by a value of the wrong kind. */
function unknownMember(schema: z.ZodObject, raw: unknown, path: Path, value: unknown): Words | undefined {
  const key = path.at(-1)
  const known = knownKeys(schemaAt(schema, path.slice(0, -1), raw))
  if (typeof key !== 'string' || known.length === 0 || known.includes(key) || isMapping(value))
    return undefined
  return {
    problem: `is neither a known key nor a mapping with a "type"`,
    suggestion: suggestOneOf(key, known),
  }
}

function wordsFor(issue: Issue, value: unknown): Words {
  if (issue.code === 'custom') {
    const suggestion: unknown = issue.params?.suggestion
    return { problem: issue.message, suggestion: typeof suggestion === 'string' ? suggestion : undefined }
  }
  if (value === undefined) return { problem: 'is missing' }
  if (value === null) return { problem: 'has no value', suggestion: 'give one, or remove the key' }
  switch (issue.code) {
    case 'invalid_type':
      return wrongKind(issue.expected, value)
    case 'invalid_value':
      return notAmong(issue.values.map(String), value)
    case 'invalid_union':
      return notAmong('options' in issue ? (issue.options ?? []).map(String) : [], value)
    case 'too_small':
      return outOfRange('less', issue.origin, issue.minimum, value)
    case 'too_big':
      return outOfRange('more', issue.origin, issue.maximum, value)
    default:
      return { problem: 'is not right' }
  }
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
}

function wrongKind(expected: string, value: unknown): Words {
  const problem = `must be ${KINDS[expected] ?? expected}`
  if (expected === 'boolean') {
    const yes = ['yes', 'on', 'true', '1'].includes(String(value).toLowerCase())
    const no = ['no', 'off', 'false', '0'].includes(String(value).toLowerCase())
    return yes || no ? { problem, suggestion: `write ${yes}` } : { problem }
  }
  if (expected === 'number' && typeof value === 'string' && /^\d+$/.test(value))
    return { problem, suggestion: `write ${value}, without quotes` }
  if (expected === 'int' && typeof value === 'number')
    return { problem, suggestion: `write ${Math.round(value)}` }
  if (expected === 'array' && (typeof value === 'string' || typeof value === 'number'))
    return { problem, suggestion: 'put it in square brackets, as a list of one' }
  return { problem }
}

function notAmong(values: readonly string[], value: unknown): Words {
  if (values.includes(String(value)))
    return { problem: 'is text', suggestion: `write ${value}, without quotes` }
  if (isMapping(value) || Array.isArray(value)) return { problem: `must be one of ${values.join(', ')}` }
  const near = closest(String(value), values)
  return {
    problem: `${echo(value)} is not one of ${values.join(', ')}`,
    suggestion: near === undefined ? undefined : `did you mean ${near}?`,
  }
}

function outOfRange(side: 'less' | 'more', origin: string, bound: number | bigint, value: unknown): Words {
  const allowed = side === 'less' ? `${bound} or more` : `${bound} or less`
  if (origin !== 'array' || !Array.isArray(value))
    return { problem: `${echo(value)} is out of range`, suggestion: `write ${allowed}` }
  if (value.length === 0)
    return { problem: 'is an empty list', suggestion: 'add an entry, or remove the key' }
  return { problem: `has ${value.length} entries; ${allowed} are allowed` }
}

function asStep(step: PropertyKey): string | number {
  return typeof step === 'number' ? step : String(step)
}

/** The path without a position in a list that the file does not have: a single value may stand for a list of one. */
function existing(path: Path, raw: unknown): Path {
  return path.filter((step, index) => {
    return typeof step !== 'number' || Array.isArray(valueAt(raw, path.slice(0, index)))
  })
}
