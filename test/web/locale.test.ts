import type { Request } from 'express'
import express from 'express'
import { expect, test } from 'vitest'
import type { Locale } from '../../src/domain/locale.ts'
import { localeOf } from '../../src/web/layout/locale.ts'

const BOTH: readonly Locale[] = ['en', 'zh-CN']

/** A request as far as languages go. */
function asking(languages: string | undefined): Request {
  const headers = languages === undefined ? {} : { 'accept-language': languages }
  return Object.assign(Object.create(express.request) as Request, { headers })
}

test.each([
  ['zh-CN,zh;q=0.9,en;q=0.8', 'zh-CN'],
  ['en-GB,en;q=0.9,zh-CN;q=0.8', 'en'],
  ['de-DE,zh;q=0.5,en;q=0.3', 'zh-CN'],
  ['zh-Hans-SG', 'zh-CN'],
  ['ZH', 'zh-CN'],
  ['de', 'en'],
  ['*', 'en'],
  ['', 'en'],
  [undefined, 'en'],
  ['en;q=0, zh;q=0.1', 'zh-CN'],
] as const)('for a browser that asks for %s pages are in %s', (languages, locale) => {
  expect(localeOf(asking(languages), BOTH)).toBe(locale)
})

test('a browser that asks for no available language gets the first configured one', () => {
  expect(localeOf(asking('de'), ['zh-CN', 'en'])).toBe('zh-CN')
  expect(localeOf(asking('zh-CN'), ['en'])).toBe('en')
})
