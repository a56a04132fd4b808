import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { isScope, type Scope } from '../domain/scope.ts'

const METHODS = ['get', 'put', 'post', 'patch', 'delete'] as const

type Method = (typeof METHODS)[number]

/**
 * Who may call an operation: everybody, every caller with a token or a session, those with a scope, or the agent of the
 * gateway that the path names.
 */
export type Admission = 'everybody' | 'known' | 'agent' | Scope

/** What the routing needs of an operation in openapi.yaml. */
export interface Operation {
  readonly id: string
  readonly method: Method
  /** In the syntax of Express: `/api/v1/lockouts/:id`. */
  readonly path: string
  readonly admission: Admission
  /** Whether it keeps to the users for whom its caller has the right, so that this may be a part of them. */
  readonly isForAPart: boolean
  /** Whether `http.allow` does not apply. */
  readonly isFromEverywhere: boolean
  /** Whether it accepts an Idempotency-Key. */
  readonly isRepeatable: boolean
  /** Octets of the largest body; absent: as of all other operations. */
  readonly maxBody?: number
  /** Whether a body repeats what other programs and their users wrote, in whatever characters. */
  readonly hasForeignTexts: boolean
}

/** A part of the contract's document. */
type Part = Readonly<Record<string, unknown>>

export interface Contract {
  /** The text of the file. */
  readonly text: string
  readonly document: Part
  readonly operations: readonly Operation[]
}

const FILE = fileURLToPath(new URL('../../openapi.yaml', import.meta.url))
const IDEMPOTENCY_KEY = '#/components/parameters/IdempotencyKey'

let own: Contract | undefined

/** The contract that is part of the program: read once. @throws Error as `readContract`. */
export function ownContract(): Contract {
  own ??= readContract()
  return own
}

/** @throws Error where the file has a rule that the routing cannot enforce. */
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

/** The document with a HEAD beside each GET (RFC 9110 §9.1), which Express answers alike, without the body. */
export function withHead(document: Part): Part {
  const paths = Object.entries(asPart(document.paths)).map(([path, item]) => {
    const { get } = asPart(item)
    return [
      path,
      get === undefined ? item : { ...asPart(item), head: { ...asPart(get), operationId: undefined } },
    ]
  })
  return structuredClone({ ...document, paths: Object.fromEntries(paths) })
}

function operationOf(path: string, method: Method, operation: Part): Operation {
  const parameters = Array.isArray(operation.parameters) ? operation.parameters.map(asPart) : []
  return {
    id: String(operation.operationId),
    method,
    path: path.replaceAll(/\{(\w+)\}/g, ':$1'),
    admission: admissionOf(operation),
    isForAPart: operation['x-for-a-part'] === true,
    isFromEverywhere: operation['x-from-everywhere'] === true,
    maxBody: operation['x-max-body'] === undefined ? undefined : Number(operation['x-max-body']),
    hasForeignTexts: operation['x-foreign-texts'] === true,
    isRepeatable: parameters.some(({ $ref }) => $ref === IDEMPOTENCY_KEY),
  }
}

/** All security schemes of an operation require the same scope, so the first is enough. */
function admissionOf({ operationId, security }: Part): Admission {
  if (!Array.isArray(security)) return 'everybody'
  const asked = security.map((scheme) => Object.values(asPart(scheme)).flat())
  const [first = []] = asked
  const isOne = first.length <= 1 && asked.every((scopes) => String(scopes) === String(first))
  const [scope] = first
  if (isOne && scope === 'agent') return 'agent'
  if (!isOne || (scope !== undefined && !isScope(String(scope))))
    throw new Error(`${operationId}: every scheme must ask for the same one scope`)
  return scope === undefined ? 'known' : (scope as Scope)
}

function asPart(value: unknown): Part {
  return typeof value === 'object' && value !== null ? (value as Part) : {}
}
