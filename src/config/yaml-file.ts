import {
  type Alias,
  type Document,
  type ErrorCode,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
} from 'yaml'
import type { Path } from '../schema/config-error.ts'

/** A syntax error. */
interface TextFault {
  readonly path: Path
  readonly line: number
  readonly problem: string
  readonly suggestion?: string
}

/** Plain values with the lines of their keys. */
export interface YamlFile {
  /** Absent if the text is not YAML. */
  readonly content?: { readonly value: unknown }
  readonly faults: readonly TextFault[]
  /** @returns the line (from 1) of a key or list item, or of the nearest key around it. */
  lineOf(path: Path): number | undefined
}

/**
 * The parser's own messages quote the text, which may hold secrets; these replace them. Most errors come from a value
 * that should have been in quotes.
 */
const MESSAGES: Readonly<Partial<Record<ErrorCode, readonly [problem: string, suggestion?: string]>>> = {
  BAD_SCALAR_START: ['a value begins with a character that YAML reserves', 'put the value in quotes'],
  BLOCK_AS_IMPLICIT_KEY: ['a second "key:" is on one line', 'put a value that holds ": " in quotes'],
  MULTILINE_IMPLICIT_KEY: ['a key has no ": " after it on its line', 'write "key: value", with the space'],
  MISSING_CHAR: ['a closing quote, bracket or colon is missing'],
  BAD_INDENT: ['the indentation does not fit', 'align with the lines around it, and close what is open'],
  TAB_AS_INDENT: ['a tab is used as indentation', 'use spaces'],
  TAG_RESOLVE_FAILED: ['a value begins with "!", which names an unknown tag', 'put the value in quotes'],
  MULTIPLE_DOCS: ['a second document begins', 'remove the line "---"'],
  NON_STRING_KEY: ['a key is not plain text'],
  BAD_DQ_ESCAPE: ['a backslash in double quotes begins no known escape', 'use single quotes'],
  DUPLICATE_KEY: ['is given twice', 'keep one of the two'],
}

const MAX_ALIASES = 100

export function readYaml(text: string): YamlFile {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true })
  const lineAt = (offset: number) => lines.linePos(offset).line
  const faults: TextFault[] = []
  let readable = true
  for (const { code, pos } of [...document.errors, ...document.warnings]) {
    const line = lineAt(pos[0])
    if (code !== 'DUPLICATE_KEY') {
      // The first error causes others on its line, and UNEXPECTED_TOKEN on the lines after it.
      if (faults.some((earlier) => earlier.line === line)) continue
      if (!readable && code === 'UNEXPECTED_TOKEN') continue
      readable = false
    }
    const [problem, suggestion] = MESSAGES[code] ?? ['the text is not YAML here']
    const path = code === 'DUPLICATE_KEY' ? pathAt(document, pos[0]) : []
    faults.push({ path, line, problem, suggestion })
  }
  for (const alias of unresolvedAliases(document)) {
    readable = false
    faults.push({
      path: [],
      line: lineAt(alias.range?.[0] ?? 0),
      problem: 'a value begins with "*", which refers to a missing anchor',
      suggestion: 'put the value in quotes',
    })
  }
  const lineOf = (path: Path) => {
    const offset = offsetOf(document, path)
    return offset === undefined ? undefined : lineAt(offset)
  }
  if (!readable) return { faults, lineOf }
  try {
    return { content: { value: document.toJS({ maxAliasCount: MAX_ALIASES }) }, faults, lineOf }
  } catch {
    const problem = `aliases ("*name") stand for more than ${MAX_ALIASES} values`
    return { faults: [...faults, { path: [], line: 1, problem }], lineOf }
  }
}

function unresolvedAliases(document: Document): readonly Alias[] {
  const found: Alias[] = []
  visit(document, {
    Alias: (_key, alias) => {
      if (alias.resolve(document) === undefined) found.push(alias)
    },
  })
  return found
}

function offsetOf(document: Document, path: Path): number | undefined {
  let node: unknown = document.contents
  let offset: number | undefined
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document)
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step))
      if (pair === undefined || !isScalar(pair.key)) break
      offset = pair.key.range?.[0] ?? offset
      node = pair.value
    } else if (isSeq(node)) {
      const item = node.items[Number(step)]
      if (!isScalar(item) && !isMap(item) && !isSeq(item) && !isAlias(item)) break
      offset = item.range?.[0] ?? offset
      node = item
    } else break
  }
  return offset
}

/** The path of the key that begins at this offset. */
function pathAt(document: Document, offset: number): Path {
  let found: Path = []
  visit(document, {
    Pair: (_key, pair, ancestors) => {
      if (!isScalar(pair.key) || pair.key.range?.[0] !== offset) return undefined
      const way = [...ancestors, pair]
      found = way.flatMap((node, index) => stepThrough(node, way[index + 1]))
      return visit.BREAK
    },
  })
  return found
}

function stepThrough(node: unknown, next: unknown): Path {
  if (isSeq(node)) return [node.items.indexOf(next)]
  return isPair(node) && isScalar(node.key) ? [String(node.key.value)] : []
}
