import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import { BROWSER_NEEDS, startChromium } from '../test/real/chromium.ts'
import { siteUser } from '../test/real/seeded-site.ts'
import { type Context, type Examination, missingPrograms } from './case.ts'
import { attack } from './desk-attack.ts'
import { atTheDesk, DESK_RECORDS, fillDesk } from './desk-site.ts'
import { startHttpBroker } from './http-broker.ts'
import { Latencies } from './latencies.ts'

const PAGES = [
  '/desk',
  '/desk/lockouts',
  '/desk/attempts',
  '/desk/sessions',
  '/desk/users',
  `/desk/users/${siteUser(3)}`,
  '/desk/audit',
]
const LIVE = ['/desk', '/desk/lockouts', '/desk/attempts', '/desk/audit']
const VISITS = 10
const WATCHED_MS = 15_000
const TASKS = `
  window.tasks = []
  new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((entry) => entry.duration)))
    .observe({ type: 'longtask', buffered: true })`

/** What a person at the desk waits for, in a real browser. */
export const DESK_BROWSER: Examination = {
  name: 'desk-browser',
  about: `first paint and longest tasks in Chromium, with ${DESK_RECORDS.events} events on record and an attack`,
  missing: () => missingPrograms(BROWSER_NEEDS, 'chromium-headless-shell'),
  run: async (around) => {
    const { url, server } = await startHttpBroker(around, {
      store: 'of the desk, in a browser',
      fill: (database) => fillDesk(database, around.users, around.size),
      mode: 'only',
    })
    const page = await signedIn(around, url)
    const lines = [`  ${'page'.padEnd(36)}  first paint: p50 ms   p95 ms`]
    for (const path of PAGES) {
      const paints = new Latencies()
      for (let visit = 0; visit < around.size(VISITS); visit += 1) paints.add(await paintOf(page, url + path))
      lines.push(`  ${path.padEnd(36)}${figures([paints.percentile(0.5), paints.percentile(0.95)])}`)
    }
    const end = await attack(server)
    for (const path of LIVE) {
      await page.goto(url + path)
      await page.evaluate(TASKS)
      await sleep(around.size(WATCHED_MS))
      const tasks = await page.evaluate<number[]>('window.tasks')
      lines.push(
        `  ${path.padEnd(36)} under attack: ${tasks.length} long tasks, the longest ${longest(tasks)} ms`,
      )
    }
    lines.push(`  the attack: ${await end()}`)
    lines.push('  the targets: first paint below 200 ms, no task of a second')
    return lines
  },
}

async function signedIn(around: Context, url: string): Promise<Page> {
  const browser = await startChromium()
  around.defer(() => browser.close())
  const { page } = await browser.visit(url)
  const cookies = (await atTheDesk(url)).split('; ').map((cookie) => /^([^=]*)=(.*)$/.exec(cookie))
  await page
    .context()
    .addCookies(cookies.map((found) => ({ name: found?.[1] ?? '', value: found?.[2] ?? '', url })))
  return page
}

/** Milliseconds from the click to the first pixel with content. */
async function paintOf(page: Page, url: string): Promise<number> {
  await page.goto(url)
  for (;;) {
    const paint = await page.evaluate<number | null>(
      "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null",
    )
    if (paint !== null) return paint
    await sleep(20)
  }
}

function figures(all: readonly number[]): string {
  return all.map((each) => each.toFixed(0).padStart(14)).join('')
}

function longest(tasks: readonly number[]): string {
  return Math.max(0, ...tasks).toFixed(0)
}
