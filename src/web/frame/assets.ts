import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { extname, join, parse } from 'node:path'
import { type RequestHandler, Router } from 'express'

const A_YEAR_S = 365 * 86_400
const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Style sheets, scripts and pictures. The digest of a file stands in its address, so browsers may keep it for ever. */
export class Assets {
  readonly #addresses = new Map<string, string>()
  readonly #router = Router()

  /** @param files by the name under which pages ask for them, relative to `folder`. @throws where one is not there. */
  constructor(folder: string, files: readonly string[]) {
    for (const file of files) this.#add(join(folder, file), file)
  }

  /** Where a page finds the file: `/assets/style.0a1b2c3d4e5f.css`. */
  readonly at = (file: string): string => {
    const address = this.#addresses.get(file)
    if (address === undefined) throw new Error(`no page asset is called ${file}`)
    return address
  }

  get router(): RequestHandler {
    return this.#router
  }

  #add(path: string, file: string): void {
    const content = readFileSync(path)
    const type = TYPES[extname(file)]
    if (type === undefined) throw new Error(`${file}: no asset has such an ending`)
    const digest = createHash('sha256').update(content).digest('hex').slice(0, 12)
    const { name, ext } = parse(file)
    const address = `/assets/${name}.${digest}${ext}`
    this.#addresses.set(file, address)
    this.#router.get(address, (_request, response) => {
      response
        .set('Cache-Control', `public, max-age=${A_YEAR_S}, immutable`)
        .set('Content-Type', type)
        .send(content)
    })
  }
}
