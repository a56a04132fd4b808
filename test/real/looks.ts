import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { BROKEN_WORDS, ON_TOP_OF_OTHERS, OUTSIDE_OF_CARDS, SMALL_TARGETS } from './layout-faults.ts'

/** At these the page is read as a whole: its colours, its names and its structure. */
const READ_AT = [320, 1280]
/** At these its layout is checked. 1280 pixels at 125 % are 1024. */
const LAID_OUT_AT = [320, 360, 600, 700, 768, 900, 1024, 1280, 1920]
const HEIGHT = 900
/** What is wrong with one row of a table is wrong with a hundred. */
const MOST_OF_A_KIND = 5
const SCHEMES = ['light', 'dark'] as const
const AXE = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8')

export interface Looks {
  /**
   * Looks at the page at each width, with a mouse and with a finger, by day and by night. Where OCBROKER_SCREENSHOTS names
   * a folder, it keeps pictures there.
   * @param name of the pictures' files. @returns what is wrong: nothing, where the page is as it should be.
   */
  examine(page: Page, name: string): Promise<readonly string[]>
  /** Keeps a picture of the page as it is. */
  take(page: Page, name: string): Promise<void>
}

export function openLooks(): Looks {
  const folder = process.env.OCBROKER_SCREENSHOTS
  if (folder !== undefined) mkdirSync(folder, { recursive: true })
  const take = async (page: Page, name: string) => {
    if (folder !== undefined) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true })
  }
  return {
    take,
    async examine(page, name) {
      const faults: string[] = []
      const before = page.viewportSize()
      const note = (what: string, found: readonly string[]) =>
        faults.push(...found.slice(0, MOST_OF_A_KIND).map((fault) => `${what}: ${fault}`))
      for (const width of LAID_OUT_AT) {
        await page.setViewportSize({ width, height: HEIGHT })
        note(`${name}-${width}`, await misfits(page, width))
        if (!READ_AT.includes(width)) await take(page, `${name}-${width}`)
      }
      for (const width of READ_AT) {
        await page.setViewportSize({ width, height: HEIGHT })
        for (const colorScheme of SCHEMES) {
          // Without motion: a picture during a change of colours would show neither of the two.
          await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
          note(`${name}-${width}-${colorScheme}`, await barriers(page, colorScheme))
          await take(page, `${name}-${width}-${colorScheme}`)
        }
      }
      await page.emulateMedia({ colorScheme: null, reducedMotion: null })
      note(`${name}-touch`, await smallTargets(page))
      if (before !== null) await page.setViewportSize(before)
      return faults
    },
  }
}

/** What reaches beyond the window or its card, covers something else, or is a word in two parts. */
async function misfits(page: Page, width: number): Promise<readonly string[]> {
  const wide = await page.evaluate<number>('document.documentElement.scrollWidth')
  const outside = await page.evaluate<string[]>(OUTSIDE_OF_CARDS)
  const covered = await page.evaluate<string[]>(ON_TOP_OF_OTHERS)
  const broken = await page.evaluate<string[]>(BROKEN_WORDS)
  return [
    ...(wide > width ? [`is ${wide} pixels wide`] : []),
    ...outside.map((element) => `reaches out of its card: ${element}`),
    ...covered.map((elements) => `one on top of the other: ${elements}`),
    ...broken.map((word) => `broken: ${word}`),
  ]
}

/** What a finger would miss, on a phone and on a tablet. */
async function smallTargets(page: Page): Promise<readonly string[]> {
  // It ends with the page: to detach it would take the page's virtual authenticators away.
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Emulation.setTouchEmulationEnabled', { enabled: true, maxTouchPoints: 1 })
  const found: string[] = []
  for (const width of [360, 1024]) {
    await page.setViewportSize({ width, height: HEIGHT })
    const small = await page.evaluate<string[]>(SMALL_TARGETS)
    found.push(...small.map((target) => `small at ${width}: ${target}`))
  }
  await devtools.send('Emulation.setTouchEmulationEnabled', { enabled: false })
  return found
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string
    readonly help: string
    readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[]
  }[]
}

/**
 * What keeps somebody from using the page, as axe finds it. Run from outside, so the page's policy stays in force. In the
 * dark the page differs by its colours alone.
 */
async function barriers(page: Page, scheme: (typeof SCHEMES)[number]): Promise<readonly string[]> {
  if (!(await page.evaluate<boolean>('"axe" in window'))) await page.evaluate(AXE)
  const rules = scheme === 'dark' ? 'runOnly: ["color-contrast"], ' : ''
  const run = `axe.run(document, { ${rules}resultTypes: ["violations"] })`
  const { violations } = await page.evaluate<AxeResult>(run)
  return violations.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}\n${nodes.map(({ html, failureSummary }) => `  ${html}\n  ${failureSummary}`).join('\n')}`,
  )
}
