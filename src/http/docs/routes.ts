import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Router } from 'express'
import type { Network } from '../../domain/network.ts'
import { withBasePath } from '../base-path.ts'
import { onlyFrom } from '../peer.ts'

const PAGE = new URL('./index.html', import.meta.url)

/** The files of the page, by their path. */
const FILES: Readonly<Record<string, string>> = {
  '/begin.js': new URL('./begin.js', import.meta.url).href,
  '/swagger-ui.css': import.meta.resolve('swagger-ui-dist/swagger-ui.css'),
  '/swagger-ui-bundle.js': import.meta.resolve('swagger-ui-dist/swagger-ui-bundle.js'),
}

const KEEP_MS = 3_600_000

export interface DocsOptions {
  /** The contract's text. */
  readonly contract: string
  readonly allow: readonly Network[]
  /** Where browsers see the broker: empty, or `/vpn`. */
  readonly basePath: string
}

/** The API documentation in Swagger UI, served without any other host. */
export function docsRoutes({ contract, allow, basePath }: DocsOptions): Router {
  const router = Router()
  router.use(onlyFrom(allow))
  const text = contract.replace(/^servers:\n {2}- url: \/$/m, `servers:\n  - url: ${basePath || '/'}`)
  const page = withBasePath(readFileSync(fileURLToPath(PAGE), 'utf8'), basePath)
  router.get('/', (_request, response) => {
    // Its style sheet contains the icons as data: URLs.
    const policy = String(response.get('Content-Security-Policy'))
    response.set('Content-Security-Policy', policy.replace("img-src 'self'", "img-src 'self' data:"))
    response
      .set('Cache-Control', `public, max-age=${KEEP_MS / 1000}`)
      .type('html')
      .send(page)
  })
  router.get('/openapi.yaml', (_request, response) => {
    response.type('application/yaml').send(text)
  })
  for (const [path, url] of Object.entries(FILES)) {
    router.get(path, (_request, response) => {
      response.sendFile(fileURLToPath(url), { maxAge: KEEP_MS, cacheControl: true })
    })
  }
  return router
}
