import type { Case, Examination } from './case.ts'
import { DESK_BROWSER } from './desk-browser.ts'
import { DESK_LIVE } from './desk-live.ts'
import { DESK_PAGES } from './desk-pages.ts'

/** The security team's pages, with much on record and under attack. */
export const DESK_CASES: readonly (Case | Examination)[] = [...DESK_PAGES, DESK_BROWSER, DESK_LIVE]
