import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import express, { type RequestHandler, Router } from 'express'

const FOLDER = join(import.meta.dirname, '..', 'assets')
const CACHE_CONTROL = `public, max-age=${365 * 86_400}, immutable`

/** Style sheets, scripts and pictures. A digest of them all is part of their addresses, so browsers may keep them. */
export class Assets {
  readonly #files: ReadonlySet<string> = new Set(readdirSync(FOLDER))
  readonly #base: string
  readonly router: RequestHandler

  constructor() {
    const digest = createHash('sha256')
    for (const file of this.#files) digest.update(readFileSync(join(FOLDER, file)))
    this.#base = `/assets/${digest.digest('hex').slice(0, 12)}`
    const setHeaders = (response: express.Response) => response.set('Cache-Control', CACHE_CONTROL)
    this.router = Router().use(
      this.#base,
      express.static(FOLDER, { index: false, redirect: false, setHeaders }),
    )
  }

  /** The address of a file: `/assets/0a1b2c3d4e5f/style.css`. */
  readonly at = (file: string): string => {
    if (!this.#files.has(file)) throw new Error(`src/web/assets has no file ${file}`)
    return `${this.#base}/${file}`
  }
}
