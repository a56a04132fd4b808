import { elementsOf } from './ber-elements.ts'
import type { Result } from './response-reader.ts'

/** The control of RFC 2696. */
const PAGED_RESULTS = '1.2.840.113556.1.4.319'
const SEQUENCE = 0x30
const OCTETS = 0x04

/** @returns what asks for the next page; undefined after the last one, or where the server sends no pages. */
export function nextPageOf({ controls }: Pick<Result, 'controls'>): Buffer | undefined {
  const value = controls.get(PAGED_RESULTS)
  const [sequence] = (value && elementsOf(value)) ?? []
  if (sequence?.tag !== SEQUENCE) return undefined
  const [, cookie] = elementsOf(sequence.content) ?? []
  return cookie?.tag === OCTETS && cookie.content.length > 0 ? cookie.content : undefined
}
