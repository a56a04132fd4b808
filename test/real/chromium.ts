import { writeFileSync } from 'node:fs'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { temporaryFolder } from './folder.ts'
import { installed } from './programs.ts'

/** Chromium without windows: it starts in a third of the processor time, and has no pages of its own. */
export const BROWSER = '/usr/lib/chromium/chromium-headless-shell'

/** What a test with a browser needs. */
export const BROWSER_NEEDS: readonly string[] = [BROWSER]

/** Debian's Chromium in a profile of its own, without asking anybody for anything. */
const FLAGS: readonly string[] = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** A person at a browser window, with cookies of their own. */
export interface Visitor {
  readonly page: Page
  /** What went wrong in the window so far: errors of scripts and of the console, requests that failed, other hosts asked. */
  complaints(): readonly string[]
  /** Octets of all pages so far and of what they have loaded, each file once. */
  weight(): Promise<number>
  /** Closes the window. */
  leave(): Promise<void>
}

export interface RealBrowser {
  /** @param origin whose pages they look at: nothing else may be asked for. */
  visit(origin: string, options?: BrowserContextOptions): Promise<Visitor>
  close(): Promise<void>
}

/**
 * Starts the browser. @param place a network namespace by its name; this machine where it is not given.
 */
export async function startChromium(namespace?: string): Promise<RealBrowser> {
  const folder = temporaryFolder('chromium')
  const program = installed(BROWSER)
  let executablePath = program
  if (namespace !== undefined) {
    executablePath = folder.file('chromium')
    const within = `exec '${installed('ip')}' netns exec '${namespace}' '${program}' "$@"`
    writeFileSync(executablePath, `#!/bin/sh\n${within}\n`, { mode: 0o700 })
  }
  let browser: Browser
  try {
    browser = await chromium.launch({ executablePath, args: [...FLAGS] })
  } catch (error) {
    await folder.remove()
    throw error
  }
  return {
    visit: (origin, options = {}) => visit(browser, origin, options),
    async close() {
      await browser.close()
      await folder.remove()
    },
  }
}

async function visit(browser: Browser, origin: string, options: BrowserContextOptions): Promise<Visitor> {
  const context = await browser.newContext({ locale: 'en-GB', ...options })
  const page = await context.newPage()
  const complaints: string[] = []
  const bodies = new Map<string, Promise<number>>()
  page.on('pageerror', (error) => complaints.push(`script: ${error.message}`))
  page.on('console', (message) => {
    // Of answers with a status of failure the console knows less than the listener below.
    if (message.type() !== 'error' || message.text().startsWith('Failed to load resource')) return
    complaints.push(`console: ${message.text()}`)
  })
  page.on('requestfailed', (request) => {
    // The browser itself gave it up: somebody went on to another page, or a download took the page's place.
    if (request.failure()?.errorText === 'net::ERR_ABORTED') return
    complaints.push(`failed: ${request.method()} ${request.url()} ${request.failure()?.errorText}`)
  })
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== origin) complaints.push(`another host: ${request.url()}`)
  })
  page.on('response', (response) => {
    const isPage = response.request().isNavigationRequest()
    const what = isPage ? `${bodies.size} ${response.url()}` : response.url()
    const octets = response.headerValue('content-length').then(Number)
    // Who leaves while an answer comes asks for no weight any more.
    octets.catch(() => {})
    bodies.set(what, octets)
    // A page may say no, a picture or a style sheet may not.
    if (response.status() < 400 || isPage) return
    complaints.push(`${response.status()}: ${response.url()}`)
  })
  return {
    page,
    complaints: () => complaints,
    weight: async () => (await Promise.all(bodies.values())).reduce((sum, octets) => sum + octets, 0),
    leave: () => context.close(),
  }
}
