import { mkdirSync, openSync, write, writeSync } from 'node:fs'
import { dirname } from 'node:path'

const STANDARD_OUTPUT = 1
const FILE_MODE = 0o640
/** Characters that wait for a disk or a reader that is slow; lines beyond them are lost. */
const MOST_WAITING = 8 * 1024 * 1024
/** Octets that a pipe takes whole or not at all (PIPE_BUF), so that lines of several processes do not mix in it. */
const WHOLE = 4096
/** Milliseconds until a pipe that is full is tried again. */
const PIPE_RETRY = 50

/** The message names the file. */
export class LogNotWritable extends Error {
  override readonly name = 'LogNotWritable'
}

/**
 * Lines on their way into a file or a pipe, written behind the back of whoever logs. A disk that is full or a reader
 * that is gone must not end the broker, nor keep it from ending: what cannot be written is lost and counted.
 */
export class LogSink {
  readonly #fd: number
  readonly #foundLost: (lines: number) => void
  #waiting: string[] = []
  #length = 0
  #isWriting = false
  #lost = 0

  private constructor(fd: number, foundLost: (lines: number) => void) {
    this.#fd = fd
    this.#foundLost = foundLost
    // Whatever waits when the process is ended in haste; otherwise it ends when all is written.
    process.once('exit', () => this.#writeAtOnce())
  }

  /**
   * @param file made where it is missing; absent: standard output.
   * @param foundLost told how many lines were lost, once lines can be written again.
   * @throws LogNotWritable
   */
  static open(file: string | undefined, foundLost: (lines: number) => void): LogSink {
    return new LogSink(file === undefined ? STANDARD_OUTPUT : opened(file), foundLost)
  }

  /** @param line with its line break. */
  write(line: string): void {
    if (this.#length + line.length > MOST_WAITING) {
      this.#lost += 1
      return
    }
    this.#waiting.push(line)
    this.#length += line.length
    if (!this.#isWriting) this.#writeNext()
  }

  #take(most = Number.POSITIVE_INFINITY): { readonly octets: Buffer; readonly lines: number } {
    let lines = 0
    let length = 0
    for (const line of this.#waiting) {
      if (lines > 0 && length + Buffer.byteLength(line) > most) break
      lines += 1
      length += Buffer.byteLength(line)
    }
    const taken = this.#waiting.splice(0, lines).join('')
    this.#length -= taken.length
    return { octets: Buffer.from(taken), lines }
  }

  #writeNext(): void {
    this.#isWriting = this.#waiting.length > 0
    if (!this.#isWriting) return
    // A file takes each write as one, however long it is.
    const { octets, lines } = this.#take(this.#fd === STANDARD_OUTPUT ? WHOLE : undefined)
    this.#write(octets, lines)
  }

  #write(octets: Buffer, lines: number): void {
    write(this.#fd, octets, (error, written) => {
      if (error?.code === 'EAGAIN') {
        setTimeout(() => this.#write(octets, lines), PIPE_RETRY)
      } else if (error !== null) {
        this.#lost += lines
        this.#writeNext()
      } else if (written < octets.length) {
        this.#write(octets.subarray(written), lines)
      } else {
        this.#tellLost()
        this.#writeNext()
      }
    })
  }

  #tellLost(): void {
    const lost = this.#lost
    this.#lost = 0
    if (lost > 0) this.#foundLost(lost)
  }

  #writeAtOnce(): void {
    const { octets } = this.#take()
    try {
      for (let at = 0; at < octets.length; ) at += writeSync(this.#fd, octets, at)
    } catch {
      // There is nobody left to tell.
    }
  }
}

function opened(file: string): number {
  try {
    mkdirSync(dirname(file), { recursive: true })
    return openSync(file, 'a', FILE_MODE)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new LogNotWritable(`the log file ${file} cannot be written (${why})`, { cause: error })
  }
}
