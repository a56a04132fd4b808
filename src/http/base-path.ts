import type { RequestListener } from 'node:http'
import type { Express, Request } from 'express'

const SETTING = 'base path'

/** The path below which browsers see the broker: `/vpn` for https://vpn.example/vpn, and empty for a host of its own. */
export function basePathIn(publicUrl: string | undefined): string {
  return publicUrl === undefined ? '' : new URL(publicUrl).pathname.replace(/\/$/, '')
}

/**
 * Serves the application below a path, and at the root as well: some proxies take the path away, others leave it, and
 * programs on this machine ask without it.
 */
export function below(basePath: string, app: Express): RequestListener {
  app.set(SETTING, basePath)
  if (basePath === '') return app
  return (request, response) => {
    const { url = '/' } = request
    const rest = url.startsWith(basePath) ? url.slice(basePath.length) : undefined
    if (rest !== undefined && /^(?:[/?]|$)/.test(rest)) request.url = rest.startsWith('/') ? rest : `/${rest}`
    app(request, response)
  }
}

export function basePathOf(request: Request): string {
  return request.app.get(SETTING) ?? ''
}

/** Puts the base path before the links of a page. Templates write them from the root: `href="/desk"`. */
export function withBasePath(html: string, basePath: string): string {
  if (basePath === '') return html
  return html.replaceAll(LINK, (beginning) => `${beginning.slice(0, -1)}${basePath}/`)
}

/** Text never looks like this: in it, quotation marks are escaped. */
const LINK = / (?:href|src|action|formaction|data-part|data-events|data-options)="\/(?!\/)/g
