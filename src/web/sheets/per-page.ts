/** How many sheets can be on a page of paper. */
export const SHEETS_PER_PAGE = [1, 2, 4] as const
