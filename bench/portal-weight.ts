import { ask } from '../test/http/ask.ts'
import { FormClient } from '../test/http/form-client.ts'
import type { Examination } from './case.ts'
import { startHttpBroker } from './http-broker.ts'
import { codeOf, PASSWORD, PERIOD, userName } from './users.ts'

/** What a browser loads for a page of the portal, as sent to one that asks for no compression. */
export const PORTAL_WEIGHT: Examination = {
  name: 'http-portal',
  about: 'what a page of the portal weighs, with all that it loads',
  run: async (around) => {
    const { url } = await startHttpBroker(around, { store: 'local' })
    const client = new FormClient(url)
    const pages: [string, string][] = [['signing in', (await client.get('/')).text]]
    const name = userName(0)
    pages.push(['the code', (await client.post('/sign-in', { name, password: PASSWORD })).text])
    const code = codeOf(0, Math.floor(Date.now() / 1000 / PERIOD))
    pages.push(['the account', (await client.post('/code', { code })).text])
    const lines: string[] = []
    for (const [page, text] of pages) {
      const assets = assetsOf(text)
      const strangers = assets.filter((asset) => new URL(asset, url).origin !== url)
      const sizes = await Promise.all(assets.map(async (asset) => await octetsOf(new URL(asset, url).href)))
      const whole = Buffer.byteLength(text) + sizes.reduce((sum, size) => sum + size, 0)
      const others =
        strangers.length === 0 ? 'nothing from another host' : `FROM OTHERS: ${strangers.join(', ')}`
      lines.push(`  ${page.padEnd(12)} ${whole} octets: the page and ${assets.length} files, ${others}`)
    }
    lines.push('  the target: below 60,000 octets, nothing from another host')
    return lines
  },
}

/** What is loaded without a click. */
function assetsOf(page: string): string[] {
  const loaded = /<(?:link|script|img|source|iframe)\b[^>]*?\b(?:href|src)="([^"#]+)"/g
  const addresses = [...page.matchAll(loaded)].map(([, address = '']) => address)
  return [...new Set(addresses)].filter((address) => !address.startsWith('data:'))
}

async function octetsOf(url: string): Promise<number> {
  const { status, text } = await ask(url)
  if (status !== 200) throw new Error(`${url}: ${status}`)
  if (/url\(|@import/.test(text)) throw new Error(`${url} loads more, which is not counted here`)
  return Buffer.byteLength(text)
}
