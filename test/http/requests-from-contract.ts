import fc from 'fast-check'
import type { Contract, Operation } from '../../src/http/contract.ts'
import type { Ask } from './ask.ts'

/** A request that the contract describes, more or less. */
export interface GeneratedRequest extends Ask {
  readonly method: string
  readonly path: string
}

type Schema = Readonly<Record<string, unknown>>

/** Values of this very installation by the name of a part, so that requests come past the first look. */
export type Known = Readonly<Record<string, readonly string[]>>

/** What people and attackers send. */
const HOSTILE = fc.oneof(
  fc.constantFrom(
    ...[
      '',
      ' ',
      '0',
      '-1',
      'null',
      'undefined',
      'NaN',
      '__proto__',
      'constructor',
      'toString',
      '../../etc/passwd',
    ],
    ...[
      "' or 1=1 --",
      '"; drop table users; --',
      '%00',
      '\u0000',
      '\u202e',
      '\ufeff',
      '\u0024{jndi:ldap://x}',
      '<b>',
    ],
    ...[
      '2026-02-30T00:00:00Z',
      '2016-12-31T23:59:60Z',
      '9999999999999999999',
      '1e999',
      '::ffff:127.0.0.1',
      '::1%lo',
    ],
    'x'.repeat(300),
  ),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
)

/** Requests for an operation: mostly as the contract wants them, often with a part that it does not want. */
export function requestsFor(
  contract: Contract,
  operation: Operation,
  known: Known,
): fc.Arbitrary<GeneratedRequest> {
  const item = part(part(contract.document, 'paths'), operation.path.replaceAll(/:(\w+)/g, '{$1}'))
  const described = part(item, operation.method)
  const parameters = [...listOf(item.parameters), ...listOf(described.parameters)].map((each) =>
    resolve(contract, each),
  )
  const textFor = (parameter: Schema) =>
    fc.oneof(
      {
        weight: 12,
        arbitrary: textOf(valueFor(contract, asSchema(parameter.schema), String(parameter.name), known)),
      },
      { weight: 1, arbitrary: HOSTILE },
    )
  const inPath = parameters.filter((each) => each.in === 'path')
  const inQuery = parameters.filter((each) => each.in === 'query')
  const inHeader = parameters.filter((each) => each.in === 'header')
  return fc
    .record({
      path: fc.record(Object.fromEntries(inPath.map((each) => [String(each.name), textFor(each)]))),
      query: fc.record(Object.fromEntries(inQuery.map((each) => [String(each.name), textFor(each)])), {
        requiredKeys: inQuery.filter((each) => each.required === true).map((each) => String(each.name)),
      }),
      extra: fc.oneof(
        { weight: 20, arbitrary: fc.constant(null) },
        { weight: 1, arbitrary: fc.tuple(HOSTILE, HOSTILE) },
      ),
      headers: fc.record(
        Object.fromEntries(inHeader.map((each) => [String(each.name), textFor(each).map(headerText)])),
        { requiredKeys: [] },
      ),
      body: bodyFor(contract, described, known),
      method: fc.oneof(
        { weight: 40, arbitrary: fc.constant(operation.method.toUpperCase()) },
        { weight: 1, arbitrary: fc.constantFrom('PUT', 'OPTIONS', 'HEAD', 'DELETE', 'PROPFIND') },
      ),
    })
    .map(({ path, query, extra, headers, body, method }) => {
      const filled = operation.path.replaceAll(/:(\w+)/g, (_, name: string) => encoded(path[name] ?? ''))
      const pairs = [...Object.entries(query), ...(extra === null ? [] : [extra])]
      const search = pairs.map(([name, value]) => `${encoded(name)}=${encoded(value ?? '')}`).join('&')
      return {
        method,
        path: search === '' ? filled : `${filled}?${search}`,
        body: body?.text,
        headers: { ...(body !== undefined && { 'content-type': body.type }), ...headers },
      }
    })
}

interface Body {
  readonly text: string
  readonly type: string
}

function bodyFor(contract: Contract, described: Schema, known: Known): fc.Arbitrary<Body | undefined> {
  if (described.requestBody === undefined) return fc.constant(undefined)
  const { content } = resolve(contract, asSchema(described.requestBody))
  const schema = part(part(asSchema(content), 'application/json'), 'schema')
  const type = 'application/json'
  const right = valueFor(contract, schema, '', known)
  const json = (value: unknown): Body => ({ text: JSON.stringify(value), type })
  return fc.oneof(
    { weight: 10, arbitrary: right.map(json) },
    // One part of it is something else.
    {
      weight: 5,
      arbitrary: fc.tuple(right, fc.nat(), fc.jsonValue({ maxDepth: 3 })).map(([value, at, other]) => {
        const names = Object.keys(Object(value))
        const name = names[at % Math.max(1, names.length)] ?? 'x'
        return json({ ...Object(value), [name]: other })
      }),
    },
    { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 4 }).map(json) },
    { weight: 1, arbitrary: HOSTILE.map((text) => ({ text, type })) },
    { weight: 1, arbitrary: right.map((value) => ({ text: JSON.stringify(value).slice(0, -1), type })) },
    {
      weight: 1,
      arbitrary: right.map((value) => ({
        text: `{"__proto__":{"a":1},${JSON.stringify(value).slice(1)}`,
        type,
      })),
    },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom(
          'text/plain',
          'application/x-www-form-urlencoded',
          'multipart/form-data; boundary=x',
          'application/json; charset=utf-16',
          '/',
          '',
        )
        .map((other) => ({ text: '{"reason":"x"}', type: other })),
    },
    { weight: 1, arbitrary: fc.constant(undefined) },
  )
}

function valueFor(contract: Contract, given: Schema, name: string, known: Known): fc.Arbitrary<unknown> {
  const schema = resolve(contract, given)
  const pool = known[name]
  if (pool !== undefined && pool.length > 0)
    return fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...pool) }, plainValue(contract, schema, known))
  return plainValue(contract, schema, known)
}

function plainValue(contract: Contract, schema: Schema, known: Known): fc.Arbitrary<unknown> {
  if (Array.isArray(schema.enum)) return fc.constantFrom(...(schema.enum as unknown[]))
  const types = [schema.type].flat().map(String)
  return fc.oneof(...types.map((type) => typedValue(contract, type, schema, known)))
}

function typedValue(contract: Contract, type: string, schema: Schema, known: Known): fc.Arbitrary<unknown> {
  switch (type) {
    case 'integer':
    case 'number':
      return fc.oneof(
        {
          weight: 5,
          arbitrary: fc.integer({ min: Number(schema.minimum ?? 0), max: Number(schema.maximum ?? 1000) }),
        },
        { weight: 1, arbitrary: fc.constantFrom(0, -1, 2 ** 53, 1e21, 0.5) },
      )
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'array':
      return fc.array(valueFor(contract, asSchema(schema.items), '', known), { minLength: 1, maxLength: 4 })
    case 'object':
      return objectValue(contract, schema, known)
    default:
      return stringValue(schema)
  }
}

function objectValue(contract: Contract, schema: Schema, known: Known): fc.Arbitrary<unknown> {
  const properties = Object.entries(asSchema(schema.properties))
  return fc.record(
    Object.fromEntries(
      properties.map(([name, each]) => [name, valueFor(contract, asSchema(each), name, known)]),
    ),
    { requiredKeys: listOf(schema.required).map(String), noNullPrototype: true },
  )
}

function stringValue({ format, pattern, minLength, maxLength }: Schema): fc.Arbitrary<string> {
  if (format === 'date-time')
    return fc
      .date({ min: new Date(0), max: new Date('2200-01-01'), noInvalidDate: true })
      .map((date) => date.toISOString())
  if (format === 'ipv4') return fc.ipV4()
  if (format === 'ipv6') return fc.ipV6()
  if (typeof pattern === 'string' && /^\^\[[^\]]*\]/.test(pattern) && pattern.length < 40) {
    return fc.stringMatching(new RegExp(pattern))
  }
  const [min, max] = [Number(minLength ?? 0), Math.min(60, Number(maxLength ?? 60))]
  return fc.string({ minLength: min, maxLength: max, unit: 'grapheme' })
}

function textOf(values: fc.Arbitrary<unknown>): fc.Arbitrary<string> {
  return values.map((value) => (Array.isArray(value) ? value.join(',') : String(value)))
}

/** What a client cannot even send is no test of the server. */
function headerText(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?')
}

function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed())
}

function resolve(contract: Contract, schema: Schema): Schema {
  if (typeof schema.$ref !== 'string') return schema
  const found = schema.$ref.slice(2).split('/').reduce<Schema>(part, contract.document)
  return resolve(contract, found)
}

function part(of: Schema, name: string): Schema {
  return asSchema(of[name])
}

function asSchema(value: unknown): Schema {
  return typeof value === 'object' && value !== null ? (value as Schema) : {}
}

function listOf(value: unknown): readonly Schema[] {
  return Array.isArray(value) ? value : []
}
