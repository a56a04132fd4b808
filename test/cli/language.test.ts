import { describe, expect, test } from 'vitest'
import { languageOf } from '../../src/cli/language.ts'

describe('the language of a call', () => {
  test.each([
    [{}, 'en'],
    [{ LANG: 'C.UTF-8' }, 'en'],
    [{ LANG: 'zh_CN.UTF-8' }, 'zh-CN'],
    [{ LANG: 'zh_CN.utf8' }, 'zh-CN'],
    [{ LANG: 'zh_SG.UTF-8@pinyin' }, 'zh-CN'],
    [{ LANG: 'zh_TW.UTF-8' }, 'en'],
    // The terminal would not show UTF-8.
    [{ LANG: 'zh_CN.GB18030' }, 'en'],
    [{ LANG: 'en_US.UTF-8', LC_MESSAGES: 'zh_CN.UTF-8' }, 'zh-CN'],
    [{ LANG: 'zh_CN.UTF-8', LC_ALL: 'C' }, 'en'],
    [{ LANG: 'zh_CN.UTF-8', LC_ALL: '', LC_MESSAGES: '' }, 'zh-CN'],
  ])('in the environment %j is %s', (environment, language) => {
    expect(languageOf(['doctor'], environment).language).toBe(language)
  })

  test.each([
    [['--lang', 'zh-CN', 'doctor', '--json']],
    [['doctor', '--lang', 'zh-CN', '--json']],
    [['doctor', '--json', '--lang=zh-CN']],
  ])('is that of --lang in %j, which is taken out', (words) => {
    expect(languageOf(words, { LC_ALL: 'C' })).toEqual({ language: 'zh-CN', rest: ['doctor', '--json'] })
  })

  test('is not in an argument behind --', () => {
    const words = ['user', 'add', '--', '--lang']
    expect(languageOf(words, {})).toEqual({ language: 'en', rest: words })
  })

  test.each([[['--lang']], [['--lang', 'fr']], [['--lang=']]])('is refused in %j', (words) => {
    expect(() => languageOf(words, {})).toThrow('--lang takes one of en, zh-CN')
  })
})
