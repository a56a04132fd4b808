import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { BROWSER_NEEDS, type RealBrowser, startChromium } from '../real/chromium.ts'
import { openLooks } from '../real/looks.ts'
import { describeWith } from '../real/needs.ts'

describeWith(BROWSER_NEEDS, 'what looks at pages', () => {
  let browser: RealBrowser

  beforeAll(async () => {
    browser = await startChromium()
  })

  afterAll(() => browser.close())

  const examine = async (body: string) => {
    const { page, leave } = await browser.visit('about:blank')
    onTestFinished(leave)
    const style = 'body { font: 16px monospace; margin: 0 } button { min-height: 44px }'
    await page.setContent(
      `<!doctype html><html lang="en"><title>Page</title><style>${style}</style><main class="card"><h1>Page</h1>${body}</main>`,
    )
    return openLooks().examine(page, 'page')
  }

  test.each([
    [
      'a name in two parts',
      '<p style="width: 6ch; overflow-wrap: anywhere">anna.adams</p>',
      'broken: anna.adams',
    ],
    [
      'a badge of two lines',
      '<p style="width: 8ch"><span class="badge" style="display: block">Locked out</span></p>',
      'broken: lines',
    ],
    ['what is wider than the window', '<div style="width: 500px">wide</div>', 'page-320: is '],
    [
      'what only some widths have',
      '<style>@media (min-width: 700px) and (max-width: 800px) { p { width: 1000px } }</style><p>tablets</p>',
      'page-768: is ',
    ],
    [
      'what reaches out of its card',
      '<div class="card" style="width: 100px"><p style="width: 120px">out</p></div>',
      'reaches out of its card',
    ],
    [
      'texts on top of each other',
      '<p>below</p><p style="margin-top: -2em">above</p>',
      'one on top of the other',
    ],
    ['a button that is low for a finger', '<button style="min-height: 30px">Go</button>', 'small at 360: 30'],
    ['a picture without words', '<img src="data:," width="50" height="50">', 'image-alt'],
    [
      'grey letters at night',
      '<style>@media (prefers-color-scheme: dark) { p { color: #eee } }</style><p>night</p>',
      'page-320-dark: color-contrast',
    ],
  ])('finds %s', async (_, body, fault) => {
    expect((await examine(body)).join('\n')).toContain(fault)
  })

  test('finds nothing on a sound page', async () => {
    expect(
      await examine(
        '<p>Anna was refused at 2001:db8::7.</p><p lang="zh">来自此地址的登录已被锁定。</p><button>Go</button>',
      ),
    ).toEqual([])
  })
})
