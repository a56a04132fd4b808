import { constants } from 'node:fs'
import { appendFile, type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

interface Waiting {
  readonly line: string
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

const LINE_FEED = 0x0a

/**
 * A file to which lines are appended. A line is acknowledged when it has reached the disk; lines that arrive during a
 * write share the next one. A line that was not acknowledged may be missing or cut off, and never damages its neighbours.
 */
export class SpoolFile {
  readonly #path: string
  #file: FileHandle | undefined
  #size = 0
  #waiting: Waiting[] = []
  #last: Promise<void> = Promise.resolve()
  /** Whether the last line may be cut off. */
  #isTorn = true

  constructor(path: string) {
    this.#path = path
  }

  /** Resolves when the line is on the disk. @throws what the file system says; the line is then not in the file. */
  append(line: string): Promise<void> {
    const written = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ line, resolve, reject })
    })
    if (this.#waiting.length === 1) void this.#next(() => this.#write(this.#waiting.splice(0)))
    return written
  }

  /** Renames the file, so that it can be delivered; the next line begins a new file. */
  moveTo(path: string): Promise<void> {
    return this.#next(async () => {
      await this.#close()
      await rename(this.#path, path)
      await syncFolderOf(path)
      this.#size = 0
    })
  }

  /** Removes the empty file of a process that ended between creating it and writing to it. */
  removeEmpty(): Promise<void> {
    return this.#next(async () => {
      if (this.#file === undefined && (await sizeOf(this.#path)) === 0) await rm(this.#path, { force: true })
    })
  }

  /** Octets, without lines that are still being written. */
  async size(): Promise<number> {
    return this.#file === undefined ? sizeOf(this.#path) : this.#size
  }

  close(): Promise<void> {
    return this.#next(() => this.#close())
  }

  /** Runs one operation after another, in the order of the calls. */
  #next(work: () => Promise<void>): Promise<void> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => {})
    return done
  }

  async #write(lines: readonly Waiting[]): Promise<void> {
    try {
      const file = this.#file ?? (await this.#open())
      const octets = Buffer.from((this.#isTorn ? '\n' : '') + lines.map(({ line }) => line).join(''))
      await this.#add(file, octets)
      for (const { resolve } of lines) resolve()
    } catch (error) {
      for (const { reject } of lines) reject(error)
    }
  }

  async #add(file: FileHandle, octets: Buffer): Promise<void> {
    try {
      await file.appendFile(octets)
      await file.datasync()
      this.#size += octets.length
      this.#isTorn = false
    } catch (error) {
      this.#isTorn = true
      // On a full disk a part may have been written; other lines need its space.
      await file.truncate(this.#size).catch(() => {})
      throw error
    }
  }

  async #open(): Promise<FileHandle> {
    const file = await open(this.#path, 'a+', 0o600)
    this.#size = (await file.stat()).size
    this.#isTorn = this.#size > 0 && !(await endsWithLine(file, this.#size))
    await syncFolderOf(this.#path)
    this.#file = file
    return file
  }

  async #close(): Promise<void> {
    await this.#file?.close()
    this.#file = undefined
  }
}

async function endsWithLine(file: FileHandle, size: number): Promise<boolean> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, size - 1)
  return bytesRead === 1 && buffer[0] === LINE_FEED
}

/** 0 where there is no such file. */
export async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 0
    throw error
  }
}

/** Longer than any line that was written: anything longer is damaged, and is yielded in pieces. */
const MAX_LINE = 64 * 1024

/**
 * The lines of a file without their line feeds, and the text after the last one. Only a line feed ends a line: texts may
 * hold Unicode's line separators.
 */
export async function* linesOf(path: string): AsyncGenerator<string> {
  const file = await open(path)
  try {
    let rest = Buffer.alloc(0)
    for (;;) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_LINE))
      if (bytesRead === 0) break
      let begin = 0
      const octets = Buffer.concat([rest, buffer.subarray(0, bytesRead)])
      for (let end = octets.indexOf(LINE_FEED); end >= 0; end = octets.indexOf(LINE_FEED, begin)) {
        yield octets.toString('utf8', begin, end)
        begin = end + 1
      }
      rest = octets.subarray(begin)
      if (rest.length > MAX_LINE) {
        yield rest.toString()
        rest = Buffer.alloc(0)
      }
    }
    if (rest.length > 0) yield rest.toString()
  } finally {
    await file.close()
  }
}

export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true })
  await syncFolderOf(path)
}

/** Keeps lines that an operator must look at. */
export async function setAside(path: string, lines: readonly string[]): Promise<void> {
  await appendFile(path, lines.map((line) => `${line}\n`).join(''), { mode: 0o600, flush: true })
}

/** A file name reaches the disk when its folder is synced. */
async function syncFolderOf(path: string): Promise<void> {
  const folder = await open(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
