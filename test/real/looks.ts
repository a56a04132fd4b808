import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { temporaryFolder } from './folder.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const WIDTHS = [360, 1280]
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
          await page.emulateMedia({ colorScheme })
          const what = `${name}-${width}-${colorScheme}`
          await page.screenshot({ path: join(folder, `${what}.png`), fullPage: true })
          faults.push(...(await overflows(page, width)).map((fault) => `${what}: ${fault}`))
          faults.push(...(await barriers(page)).map((fault) => `${what}: ${fault}`))
        }
      }
      await page.emulateMedia({ colorScheme: null })
      if (before !== null) await page.setViewportSize(before)
      return faults
    },
  }
}

/** Elements that reach beyond the window. */
async function overflows(page: Page, width: number): Promise<readonly string[]> {
  const wide = await page.evaluate<number>('document.documentElement.scrollWidth')
  return wide > width ? [`is ${wide} pixels wide`] : []
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string
    readonly help: string
    readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[]
  }[]
}

/** What keeps somebody from using the page, as axe finds it. Run from outside, so the page's policy stays in force. */
async function barriers(page: Page): Promise<readonly string[]> {
  await page.evaluate(AXE)
  const { violations } = await page.evaluate<AxeResult>('axe.run(document, { resultTypes: ["violations"] })')
  return violations.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}\n${nodes.map(({ html, failureSummary }) => `  ${html}\n  ${failureSummary}`).join('\n')}`,
  )
}
