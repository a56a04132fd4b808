import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { isScope, type Scope } from '../domain/scope.ts'

const METHODS = ['get', 'put', 'post', 'patch', 'delete'] as const

type Method = (typeof METHODS)[number]

/** Who may call an operation: everybody, whoever has shown a token or signed in, or those of them with a scope. */
export type Admission = 'everybody' | 'known' | Scope

/** One operation of openapi.yaml, as far as the routing needs it. */
export interface Operation {
  readonly id: string
  readonly method: Method
  /** In Express' form: `/api/v1/lockouts/:id`. */
  readonly path: string
  readonly admission: Admission
  /** Whether `http.allow` does not matter. */
  readonly isFromEverywhere: boolean
  /** Whether it takes an Idempotency-Key. */
  readonly isRepeatable: boolean
}

/** A part of the contract's document. */
type Part = Readonly<Record<string, unknown>>

export interface Contract {
  /** As it stands in the file. */
  readonly text: string
  readonly document: Part
  readonly operations: readonly Operation[]
}

const FILE = fileURLToPath(new URL('../../openapi.yaml', import.meta.url))
const IDEMPOTENCY_KEY = '#/components/parameters/IdempotencyKey'

/** @throws Error where the file says something that the routing cannot keep. */
export function readContract(file = FILE): Contract {
  const text = readFileSync(file, 'utf8')
  const document = asPart(parse(text))
  const operations = Object.entries(asPart(document.paths)).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = asPart(item)[method]
      return operation === undefined ? [] : [operationOf(path, method, asPart(operation))]
    }),
  )
  return { text, document, operations }
}

function operationOf(path: string, method: Method, operation: Part): Operation {
  const parameters = Array.isArray(operation.parameters) ? operation.parameters.map(asPart) : []
  return {
    id: String(operation.operationId),
    method,
    path: path.replaceAll(/\{(\w+)\}/g, ':$1'),
    admission: admissionOf(operation),
    isFromEverywhere: operation['x-from-everywhere'] === true,
    isRepeatable: parameters.some(({ $ref }) => $ref === IDEMPOTENCY_KEY),
  }
}

/** Both schemes ask for the same, so the first tells it. */
function admissionOf({ operationId, security }: Part): Admission {
  if (!Array.isArray(security)) return 'everybody'
  const asked = security.map((scheme) => Object.values(asPart(scheme)).flat())
  const [first = []] = asked
  const isOne = first.length <= 1 && asked.every((scopes) => String(scopes) === String(first))
  const [scope] = first
  if (!isOne || (scope !== undefined && !isScope(String(scope))))
    throw new Error(`${operationId}: every scheme must ask for the same one scope`)
  return scope === undefined ? 'known' : (scope as Scope)
}

function asPart(value: unknown): Part {
  return typeof value === 'object' && value !== null ? (value as Part) : {}
}
