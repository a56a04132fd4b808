import type { Finding, Verdict } from '../doctor/finding.ts'

const MARKS: Readonly<Record<Verdict, string>> = {
  ok: 'ok     ',
  hint: 'hint   ',
  warning: 'warning',
  fault: 'FAULT  ',
  not_applicable: '-      ',
}

/** A finding for people, with its remedy below it. @param remedyOf how the remedy is written here. */
export function findingLines(
  { about, verdict, cause, remedy }: Finding,
  remedyOf: (remedy: string) => string,
): string[] {
  const line = `${MARKS[verdict]}  ${about}: ${cause}`
  return remedy === undefined ? [line] : [line, `         ${remedyOf(remedy)}`]
}
