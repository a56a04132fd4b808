import { fileURLToPath } from 'node:url'
import { Router } from 'express'
import type { Network } from '../../domain/network.ts'
import { onlyFrom } from '../peer.ts'

/** The files of the page, by their path. */
const FILES: Readonly<Record<string, string>> = {
  '/': new URL('./index.html', import.meta.url).href,
  '/begin.js': new URL('./begin.js', import.meta.url).href,
  '/swagger-ui.css': import.meta.resolve('swagger-ui-dist/swagger-ui.css'),
  '/swagger-ui-bundle.js': import.meta.resolve('swagger-ui-dist/swagger-ui-bundle.js'),
}

const KEEP_MS = 3_600_000

export interface DocsOptions {
  /** The contract's text. */
  readonly contract: string
  readonly allow: readonly Network[]
}

/** The API documentation in Swagger UI, served without any other host. */
export function docsRoutes({ contract, allow }: DocsOptions): Router {
  const router = Router()
  router.use(onlyFrom(allow))
  router.get('/openapi.yaml', (_request, response) => {
    response.type('application/yaml').send(contract)
  })
  for (const [path, url] of Object.entries(FILES)) {
    router.get(path, (_request, response) => {
      // Its style sheet contains the icons as data: URLs.
      const policy = String(response.get('Content-Security-Policy'))
      response.set('Content-Security-Policy', policy.replace("img-src 'self'", "img-src 'self' data:"))
      response.sendFile(fileURLToPath(url), { maxAge: KEEP_MS, cacheControl: true })
    })
  }
  return router
}
