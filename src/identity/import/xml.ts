import { SaxesParser } from 'saxes'
import { BadLine } from './file-lines.ts'

/** An element of a document, by its name without prefix. */
export interface Element {
  readonly name: string
  readonly namespace: string
  /** Of its start tag, from 1. */
  readonly line: number
  /** By their names in lower case. */
  readonly attributes: ReadonlyMap<string, string>
  readonly children: Element[]
  /** Its own text, without that of its children. */
  text: string
}

/** Deeper than any document that is read here. */
const MAX_DEPTH = 32

/**
 * Reads a document into a tree. One with a document type is refused, so that no entity can be declared, and nothing
 * outside the text is ever loaded.
 * @throws BadLine where it is not well-formed.
 */
export function documentIn(text: string): Element {
  const parser = new SaxesParser({ xmlns: true })
  const open: Element[] = []
  let root: Element | undefined
  parser.on('error', ({ message }) => {
    throw new BadLine(`this is no XML: ${message}`)
  })
  parser.on('doctype', () => {
    throw new BadLine('a document type is not taken')
  })
  parser.on('opentag', ({ local, uri, attributes }) => {
    if (open.length === MAX_DEPTH) throw new BadLine(`elements are nested over ${MAX_DEPTH} deep`)
    const named = Object.values(attributes).map((attribute): [string, string] => [
      attribute.local.toLowerCase(),
      attribute.value,
    ])
    const element: Element = {
      name: local,
      namespace: uri,
      line: parser.line,
      attributes: new Map(named),
      children: [],
      text: '',
    }
    open.at(-1)?.children.push(element)
    root ??= element
    open.push(element)
  })
  const add = (piece: string) => {
    const element = open.at(-1)
    if (element !== undefined) element.text += piece
  }
  parser.on('text', add)
  parser.on('cdata', add)
  parser.on('closetag', () => void open.pop())
  parser.write(text).close()
  if (root === undefined) throw new BadLine('this is no XML')
  return root
}

/** The first element along a path of names. */
export function at(element: Element, ...path: readonly string[]): Element | undefined {
  let found: Element | undefined = element
  for (const name of path) found = found?.children.find((child) => isNamed(child, name))
  return found
}

/** In any case: what an HTML parser has written has small letters alone. */
export function isNamed(element: Element, name: string): boolean {
  return element.name.toLowerCase() === name.toLowerCase()
}
