/** The languages that locales/ holds, by their BCP 47 tags. */
export const LOCALES = ['en', 'zh-CN'] as const

export type Locale = (typeof LOCALES)[number]
