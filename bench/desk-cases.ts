import type { Examination } from './case.ts'
import { DESK_PAGES } from './desk-pages.ts'

/** The security team's pages, with much on record and under attack. */
export const DESK_CASES: readonly Examination[] = [...DESK_PAGES]
