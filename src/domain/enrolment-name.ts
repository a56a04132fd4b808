import { hiddenCharacterFault } from './hidden-characters.ts'

/** In characters, as people count them. */
export const MAX_ENROLMENT_NAME = 40

/** @returns the name as it is kept, or what is wrong with it. */
export function enrolmentNameIn(
  typed: string,
): { readonly name: string } | { readonly wrong: 'empty' | 'long' | 'hidden' } {
  const name = typed.normalize('NFC').trim().replaceAll(/\s+/g, ' ')
  if (name === '') return { wrong: 'empty' }
  if (hiddenCharacterFault(name) !== undefined) return { wrong: 'hidden' }
  return [...name].length > MAX_ENROLMENT_NAME ? { wrong: 'long' } : { name }
}

/**
 * The name, or where another of the user's authenticators has it, the name with the first number that is free:
 * `Phone`, `Phone 2`. @param taken undefined members: authenticators that were never named.
 */
export function freeEnrolmentName(wanted: string, taken: readonly (string | undefined)[]): string {
  for (let number = 1; ; number += 1) {
    const end = number === 1 ? '' : ` ${number}`
    const name = `${[...wanted].slice(0, MAX_ENROLMENT_NAME - end.length).join('')}${end}`
    if (!taken.includes(name)) return name
  }
}
