import { closeSync, fchmodSync, fstatSync, mkdirSync, openSync, write, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { messageOf, OperatorError } from '../domain/errors.ts'

export const STANDARD_OUTPUT = 1
const FILE_MODE = 0o600
/** The group may read the log, as log collectors need it; others may not. */
const OTHERS = 0o007
/** Characters that may wait for a slow disk or reader; further lines are lost. */
const MAX_BUFFERED = 8 * 1024 * 1024
/** A pipe takes this many octets whole or not at all (PIPE_BUF), so that lines of several processes do not mix. */
const PIPE_BUF = 4096
/** Milliseconds until a full pipe is tried again. */
const PIPE_RETRY_MS = 50

/**
 * Writes lines to a file or a pipe in the background. A full disk or a closed pipe must not stop the broker or keep it
 * from stopping: lines that cannot be written are lost and counted.
 */
export class LogSink {
  readonly #file: string | undefined
  #fd: number
  readonly #onLost: (lines: number) => void
  #waiting: string[] = []
  #length = 0
  #isWriting = false
  /** Files that were left in the middle of a write. */
  readonly #left: number[] = []
  #lost = 0

  private constructor(file: string | undefined, onLost: (lines: number) => void) {
    this.#file = file
    this.#fd = file === undefined ? STANDARD_OUTPUT : opened(file)
    this.#onLost = onLost
    // For process.exit(); otherwise the process ends when all is written.
    process.once('exit', () => this.#writeSynchronously())
  }

  /**
   * @param file made if it is missing; absent: standard output.
   * @param onLost gets the number of lost lines once lines can be written again.
   * @throws OperatorError
   */
  static open(file: string | undefined, onLost: (lines: number) => void): LogSink {
    return new LogSink(file, onLost)
  }

  /**
   * Opens the file by its name again, as logrotate has given the old one another name. Lines that wait go to the new one.
   * @throws OperatorError; the lines go on into the old file then.
   */
  reopen(): void {
    if (this.#file === undefined) return
    const before = this.#fd
    this.#fd = opened(this.#file)
    // What is being written may still need it.
    if (this.#isWriting) this.#left.push(before)
    else closeSync(before)
  }

  /** @param line with its line break. */
  write(line: string): void {
    if (this.#length + line.length > MAX_BUFFERED) {
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
    for (const fd of this.#left.splice(0)) closeSync(fd)
    this.#isWriting = this.#waiting.length > 0
    if (!this.#isWriting) return
    // A file takes a write of any length as one.
    const { octets, lines } = this.#take(this.#fd === STANDARD_OUTPUT ? PIPE_BUF : undefined)
    this.#write(this.#fd, octets, lines)
  }

  #write(fd: number, octets: Buffer, lines: number): void {
    write(fd, octets, (error, written) => {
      if (error?.code === 'EAGAIN') {
        setTimeout(() => this.#write(fd, octets, lines), PIPE_RETRY_MS)
      } else if (error !== null) {
        this.#lost += lines
        this.#writeNext()
      } else if (written < octets.length) {
        this.#write(fd, octets.subarray(written), lines)
      } else {
        this.#tellLost()
        this.#writeNext()
      }
    })
  }

  #tellLost(): void {
    const lost = this.#lost
    this.#lost = 0
    if (lost > 0) this.#onLost(lost)
  }

  #writeSynchronously(): void {
    const { octets } = this.#take()
    try {
      for (let at = 0; at < octets.length; ) at += writeSync(this.#fd, octets, at)
    } catch {
      // The process ends; the error cannot be reported.
    }
  }
}

function opened(file: string): number {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    const fd = openSync(file, 'a', FILE_MODE)
    keepFromOthers(file, fd)
    return fd
  } catch (error) {
    if (error instanceof OperatorError) throw error
    const why = messageOf(error)
    throw new OperatorError(`the log file ${file} cannot be written (${why})`, { cause: error })
  }
}

function keepFromOthers(file: string, fd: number): void {
  const status = fstatSync(fd)
  if (!status.isFile() || (status.mode & OTHERS) === 0) return
  try {
    fchmodSync(fd, status.mode & 0o770)
  } catch (cause) {
    closeSync(fd)
    throw new OperatorError(
      `the log file ${file} can be read by everybody and belongs to another account: chmod o-rwx ${file}`,
      { cause },
    )
  }
}
