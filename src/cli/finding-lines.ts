import type { Finding, Verdict } from '../doctor/finding.ts'
import type { FindingText } from './finding-in.ts'
import { padded } from './output.ts'

const MARKS: Readonly<Record<Verdict, string>> = {
  ok: 'ok',
  hint: 'hint',
  warning: 'warning',
  fault: 'FAULT',
  not_applicable: '-',
}

/** Columns of the longest mark. */
const MARK_WIDTH = 7

/**
 * A finding for people, with its remedy below it.
 * @param remedyOf how the remedy is written here. @param text the marks in the language of the finding.
 */
export function findingLines(
  { about, verdict, cause, remedy }: Finding,
  remedyOf: (remedy: string) => string,
  text: FindingText = (english) => english,
): string[] {
  const line = `${padded(text(MARKS[verdict]), MARK_WIDTH)}  ${about}${text(': ')}${cause}`
  return remedy === undefined ? [line] : [line, `         ${remedyOf(remedy)}`]
}
