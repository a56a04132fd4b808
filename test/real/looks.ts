import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { temporaryFolder } from './folder.ts'

const WIDTHS = [320, 1280]
const HEIGHT = 900
const SCHEMES = ['light', 'dark'] as const

/** Where pictures of pages go, for people to look at; named by OCBROKER_SCREENSHOTS, and kept. */
function pictureFolder(): string {
  const named = process.env.OCBROKER_SCREENSHOTS
  const folder = named ?? temporaryFolder('screenshots').path
  mkdirSync(folder, { recursive: true })
  return folder
}

export interface Looks {
  readonly folder: string
  /**
   * Looks at the page on a phone and on a desk, by day and by night, and takes a picture of each.
   * @param name of the picture's file. @returns what is wrong: nothing, where the page is as it should be.
   */
  examine(page: Page, name: string): Promise<readonly string[]>
}

export function openLooks(): Looks {
  const folder = pictureFolder()
  console.log(`Pictures of the pages are in ${folder}`)
  return {
    folder,
    async examine(page, name) {
      const faults: string[] = []
      const before = page.viewportSize()
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: HEIGHT })
        for (const colorScheme of SCHEMES) {
          // Without motion: a picture during a change of colours would show neither of the two.
          await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
          const what = `${name}-${width}-${colorScheme}`
          await page.screenshot({ path: join(folder, `${what}.png`), fullPage: true })
          faults.push(...(await overflows(page, width)).map((fault) => `${what}: ${fault}`))
          faults.push(...(await barriers(page)).map((fault) => `${what}: ${fault}`))
        }
      }
      await page.emulateMedia({ colorScheme: null, reducedMotion: null })
      if (before !== null) await page.setViewportSize(before)
      return faults
    },
  }
}

/** What reaches beyond the window, or beyond the card that it stands in. */
async function overflows(page: Page, width: number): Promise<readonly string[]> {
  const wide = await page.evaluate<number>('document.documentElement.scrollWidth')
  const outside = await page.evaluate<string[]>(OUTSIDE_OF_CARDS)
  const covered = await page.evaluate<string[]>(ON_TOP_OF_OTHERS)
  return [
    ...(wide > width ? [`is ${wide} pixels wide`] : []),
    ...outside.map((element) => `reaches out of its card: ${element}`),
    ...covered.map((elements) => `one on top of the other: ${elements}`),
  ]
}

const OUTSIDE_OF_CARDS = `
  [...document.querySelectorAll('.card *')]
    .filter((element) => element.checkVisibility() && element.getClientRects().length > 0)
    // The head of a table of blocks is for screen readers alone.
    .filter((element) => element.closest('table.blocks thead') === null)
    .filter((element) => {
      const card = element.closest('.card').getBoundingClientRect()
      const { left, right } = element.getBoundingClientRect()
      return right > card.right + 1 || left < card.left - 1
    })
    .map((element) => element.outerHTML.slice(0, 200))
`

const ON_TOP_OF_OTHERS = `
  (() => {
    const hasText = ({ childNodes }) =>
      [...childNodes].some(({ nodeType, textContent }) => nodeType === 3 && textContent.trim() !== '')
    const shown = [...document.querySelectorAll('main *')]
      .filter((element) => hasText(element) || element.matches('input, svg, button, table'))
      .filter((element) => element.closest('thead, .unseen') === null && element.checkVisibility())
      .map((element) => ({ element, box: element.getBoundingClientRect() }))
    return shown.flatMap((one, index) =>
      shown
        .slice(index + 1)
        .filter((other) => !one.element.contains(other.element) && !other.element.contains(one.element))
        .filter(
          ({ box }) =>
            Math.min(box.right, one.box.right) - Math.max(box.left, one.box.left) > 2 &&
            Math.min(box.bottom, one.box.bottom) - Math.max(box.top, one.box.top) > 2,
        )
        .map((other) => one.element.outerHTML.slice(0, 100) + ' and ' + other.element.outerHTML.slice(0, 100)),
    )
  })()
`

interface AxeResult {
  readonly violations: readonly {
    readonly id: string
    readonly help: string
    readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[]
  }[]
}

/** What keeps somebody from using the page, as axe finds it. Run from outside, so the page's policy stays in force. */
async function barriers(page: Page): Promise<readonly string[]> {
  if (!(await page.evaluate<boolean>('"axe" in window'))) await page.evaluate(axe.source)
  const { violations } = await page.evaluate<AxeResult>('axe.run(document, { resultTypes: ["violations"] })')
  return violations.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}\n${nodes.map(({ html, failureSummary }) => `  ${html}\n  ${failureSummary}`).join('\n')}`,
  )
}
