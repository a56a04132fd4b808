import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, gzip } from 'node:zlib'
import { type RequestHandler, Router } from 'express'
import { encodingFor } from '../../http/compressed.ts'

const FOLDER = join(import.meta.dirname, '..', 'assets')
const CACHE_CONTROL = `public, max-age=${365 * 86_400}, immutable`
const ENCODERS = {
  br: promisify((content: Buffer, done: Encoded) => brotliCompress(content, done)),
  gzip: promisify((content: Buffer, done: Encoded) => gzip(content, { level: 9 }, done)),
}

type Encoded = (error: Error | null, encoded: Buffer) => void
type Encoding = keyof typeof ENCODERS

class Asset {
  readonly content: Buffer
  readonly etag: string
  /** Each is made when a browser first asks for it: all of them at the start would delay the first login by a second. */
  readonly #encoded = new Map<Encoding, Promise<Buffer>>()

  constructor(content: Buffer) {
    this.content = content
    this.etag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`
  }

  async as(encoding: Encoding): Promise<Buffer> {
    const encoded = this.#encoded.get(encoding) ?? ENCODERS[encoding](this.content)
    this.#encoded.set(encoding, encoded)
    return encoded
  }
}

/** Style sheets, scripts and pictures. A digest of them all is part of their addresses, so browsers may keep them. */
export class Assets {
  readonly #files: ReadonlyMap<string, Asset> = new Map(
    readdirSync(FOLDER).map((file) => [file, new Asset(readFileSync(join(FOLDER, file)))]),
  )
  readonly #base: string
  readonly router: RequestHandler

  constructor() {
    const digest = createHash('sha256')
    for (const { content } of this.#files.values()) digest.update(content)
    this.#base = `/assets/${digest.digest('hex').slice(0, 12)}`
    this.router = Router().get(`${this.#base}/:file`, async (request, response, next) => {
      const file = String(request.params.file)
      const asset = this.#files.get(file)
      if (asset === undefined) return next()
      response.set({ 'Cache-Control': CACHE_CONTROL, ETag: asset.etag }).vary('Accept-Encoding')
      if (request.fresh) return void response.status(304).end()
      const encoding = encodingFor(request, ['br', 'gzip'])
      if (encoding !== undefined) response.set('Content-Encoding', encoding)
      response.type(file).send(encoding === undefined ? asset.content : await asset.as(encoding))
    })
  }

  /** The address of a file: `/assets/0a1b2c3d4e5f/style.css`. */
  readonly at = (file: string): string => {
    if (!this.#files.has(file)) throw new Error(`src/web/assets has no file ${file}`)
    return `${this.#base}/${file}`
  }
}
