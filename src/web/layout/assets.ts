import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { type RequestHandler, Router } from 'express'
import { encodingFor } from '../../http/compressed.ts'

const FOLDER = join(import.meta.dirname, '..', 'assets')
const CACHE_CONTROL = `public, max-age=${365 * 86_400}, immutable`
/** The default takes ten times as long at each start, for some hundred octets less. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }

interface Asset {
  readonly etag: string
  readonly as: Readonly<Record<'br' | 'gzip' | 'identity', Buffer>>
}

/** Style sheets, scripts and pictures. A digest of them all is part of their addresses, so browsers may keep them. */
export class Assets {
  readonly #files: ReadonlyMap<string, Asset> = new Map(
    readdirSync(FOLDER).map((file) => [file, assetOf(readFileSync(join(FOLDER, file)))]),
  )
  readonly #base: string
  readonly router: RequestHandler

  constructor() {
    const digest = createHash('sha256')
    for (const { as } of this.#files.values()) digest.update(as.identity)
    this.#base = `/assets/${digest.digest('hex').slice(0, 12)}`
    this.router = Router().get(`${this.#base}/:file`, (request, response, next) => {
      const file = String(request.params.file)
      const asset = this.#files.get(file)
      if (asset === undefined) return next()
      response.set({ 'Cache-Control': CACHE_CONTROL, ETag: asset.etag }).vary('Accept-Encoding')
      if (request.fresh) return void response.status(304).end()
      const encoding = encodingFor(request, ['br', 'gzip'])
      if (encoding !== undefined) response.set('Content-Encoding', encoding)
      response.type(file).send(asset.as[encoding ?? 'identity'])
    })
  }

  /** The address of a file: `/assets/0a1b2c3d4e5f/style.css`. */
  readonly at = (file: string): string => {
    if (!this.#files.has(file)) throw new Error(`src/web/assets has no file ${file}`)
    return `${this.#base}/${file}`
  }
}

function assetOf(content: Buffer): Asset {
  return {
    etag: `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`,
    as: { br: brotliCompressSync(content, BROTLI), gzip: gzipSync(content, { level: 9 }), identity: content },
  }
}
