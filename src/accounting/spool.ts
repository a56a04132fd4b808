import { accessSync, chmodSync, constants, lstatSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf, Unavailable } from '../domain/errors.ts'
import type { Runtime } from '../domain/runtime.ts'
import type { AccountingReport, SessionStore } from '../domain/session.ts'
import { linesOf, removeFile, SpoolFile, setAside, sizeOf } from './spool-file.ts'
import { recordOfLine, spoolLine } from './spool-line.ts'

export interface SpoolOptions extends Pick<Runtime, 'log'> {
  /** Absolute; created where it is missing, for its owner alone. */
  readonly folder: string
  /** The name of the files; each process that shares the folder has its own. */
  readonly name: string
  /** Octets that may wait (256 MiB, about a million records); more are refused. */
  readonly atMost?: number
  /** Milliseconds from one attempt to deliver to the next (500). */
  readonly retryMs?: number
  readonly sessions: Pick<SessionStore, 'record'>
}

const MAX_SPOOL_OCTETS = 256 * 2 ** 20
const RETRY_MS = 500
const GROUP_AND_OTHERS = 0o077
const WRITE_OF_OTHERS = 0o022
/** Records on their way to the disk at one time: a disk that hangs takes none, and gateways send theirs again. */
const MAX_IN_PROGRESS = 4096
/** Records delivered at one time. */
const BATCH = 64
/** Octets of unusable lines that are kept for people to look at. */
const MAX_SET_ASIDE_OCTETS = 16 * 2 ** 20

/**
 * Accounting records that the database could not take, on disk until it can. They are delivered in the order of their
 * arrival, those of one session one after another. A delivery that the end of the process interrupts starts again: a
 * record that arrives twice changes nothing.
 *
 * `NAME.waiting` is appended to, `NAME.leaving` is being delivered, and `NAME.refused` holds lines that were damaged or
 * that the database will never take.
 */
export class Spool {
  readonly #options: SpoolOptions
  readonly #waiting: SpoolFile
  readonly #paths: { readonly waiting: string; readonly leaving: string; readonly refused: string }
  #timer: NodeJS.Timeout | undefined
  #delivery: Promise<void> | undefined
  #hasBegun = false
  #isClosed = false
  /** Lines of the `leaving` file that are delivered already. */
  #done = 0
  #delivered = 0
  #underWay = 0

  /** @throws Error that names the folder if it cannot be written. */
  constructor(options: SpoolOptions) {
    const { folder, name } = options
    makeSpoolFolder(folder)
    this.#options = options
    const path = (kind: string) => join(folder, `${name}.${kind}`)
    this.#paths = { waiting: path('waiting'), leaving: path('leaving'), refused: path('refused') }
    this.#waiting = new SpoolFile(this.#paths.waiting)
  }

  /** Starts to deliver, also what an earlier process left. To be called when no such process runs any more. */
  begin(): void {
    this.#hasBegun = true
    this.#deliverIn(0)
  }

  /** Resolves when the record is on the disk. @throws Unavailable if there is no room. */
  async append(record: AccountingReport): Promise<void> {
    const { folder, atMost = MAX_SPOOL_OCTETS, retryMs = RETRY_MS } = this.#options
    const line = spoolLine(record)
    this.#underWay += 1
    try {
      if (this.#underWay > MAX_IN_PROGRESS)
        throw new Error(`${MAX_IN_PROGRESS} records wait for the disk already`)
      const kept = (await this.#waiting.size()) + (await sizeOf(this.#paths.leaving))
      if (kept + Buffer.byteLength(line) > atMost) {
        throw new Error(`${kept} octets wait in ${folder} already, and no more than ${atMost} may`)
      }
      await this.#waiting.append(line)
    } catch (error) {
      const why = messageOf(error)
      throw new Unavailable('accounting spool', why, { cause: error })
    } finally {
      this.#underWay -= 1
    }
    this.#deliverIn(retryMs)
  }

  /** Completes the delivery that is running. Records that wait are delivered after the next start. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.#delivery
    await this.#waiting.close()
  }

  #deliverIn(ms: number): void {
    if (!this.#hasBegun || this.#isClosed || this.#timer !== undefined || this.#delivery !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#delivery = this.#deliver().then((isEmpty) => {
        this.#delivery = undefined
        if (!isEmpty) this.#deliverIn(this.#options.retryMs ?? RETRY_MS)
      })
    }, ms).unref()
  }

  /** @returns whether nothing waits any more. Never rejects. */
  async #deliver(): Promise<boolean> {
    const { log, name } = this.#options
    try {
      await this.#waiting.removeEmpty()
      while (!this.#isClosed) {
        if ((await sizeOf(this.#paths.leaving)) === 0) {
          if ((await this.#waiting.size()) === 0) {
            if (this.#delivered > 0)
              log.info('accounting.delivered', { spool: name, records: this.#delivered })
            this.#delivered = 0
            return true
          }
          // Reset here, not after the last file's removal: that may have happened although it reported an error.
          this.#done = 0
          await this.#waiting.moveTo(this.#paths.leaving)
        }
        if (!(await this.#deliverFile())) return false
        await removeFile(this.#paths.leaving)
      }
    } catch (error) {
      log.error('accounting.spool_fault', { spool: name, error })
    }
    return false
  }

  /** @returns false where the database cannot take them now. */
  async #deliverFile(): Promise<boolean> {
    let batch: string[] = []
    let toSkip = this.#done
    for await (const line of linesOf(this.#paths.leaving)) {
      if (toSkip > 0) {
        toSkip--
        continue
      }
      batch.push(line)
      // The first record shows whether the database is available.
      if (batch.length < (this.#delivered === 0 ? 1 : BATCH)) continue
      if (this.#isClosed || !(await this.#deliverBatch(batch))) return false
      batch = []
    }
    return this.#deliverBatch(batch)
  }

  async #deliverBatch(lines: readonly string[]): Promise<boolean> {
    const refused: { line: string; error: unknown }[] = []
    const bySession = new Map<string, [line: string, record: AccountingReport][]>()
    for (const line of lines) {
      const record = recordOfLine(line)
      if (record === undefined) {
        // A line feed is written ahead in case the last line was cut off; where it was not, an empty line results.
        if (line !== '') refused.push({ line, error: 'the line is damaged' })
        continue
      }
      const session = `${record.gateway} ${record.kind === 'restart' ? record.nas : record.acctSession}`
      bySession.set(session, [...(bySession.get(session) ?? []), [line, record]])
    }
    const outcomes = await Promise.all(
      [...bySession.values()].map((records) => this.#deliverSession(records, refused)),
    )
    if (outcomes.includes(false)) return false
    if (refused.length > 0) await this.#refuse(refused)
    this.#done += lines.length
    this.#delivered += lines.length - refused.length
    return true
  }

  async #deliverSession(
    records: readonly [line: string, record: AccountingReport][],
    refused: { line: string; error: unknown }[],
  ): Promise<boolean> {
    for (const [line, record] of records) {
      try {
        await this.#options.sessions.record(record)
      } catch (error) {
        if (error instanceof Unavailable) return false
        refused.push({ line, error })
      }
    }
    return true
  }

  async #refuse(refused: readonly { line: string; error: unknown }[]): Promise<void> {
    const { log, name } = this.#options
    const path = this.#paths.refused
    for (const { error } of refused) log.error('accounting.refused', { spool: name, file: path, error })
    if ((await sizeOf(path)) < MAX_SET_ASIDE_OCTETS) {
      await setAside(
        path,
        refused.map(({ line }) => line),
      )
    }
  }
}

/** Names of the spools in the folder. */
export function spoolsIn(folder: string): readonly string[] {
  makeSpoolFolder(folder)
  const names = readdirSync(folder).flatMap((file) => /^(.+)\.(?:waiting|leaving)$/.exec(file)?.[1] ?? [])
  return [...new Set(names)]
}

/**
 * Creates the folder where it is missing, and takes the permissions of group and others from the files in it.
 * @throws Error with the remedy where it cannot be written, or others can write it.
 */
export function makeSpoolFolder(folder: string): void {
  let isOpen: boolean
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    isOpen = (statSync(folder).mode & WRITE_OF_OTHERS) !== 0
    if (!isOpen) for (const file of readdirSync(folder)) keepToOwner(join(folder, file))
  } catch (error) {
    const why = messageOf(error)
    throw new Error(
      `the folder ${folder} cannot be written (${why}). Accounting waits there while the database is away: give the broker's user the folder, or name another as storage.spool`,
      { cause: error },
    )
  }
  if (isOpen)
    throw new Error(
      `the folder ${folder} can be written by others, who could add accounting or take it away: chmod go-w ${folder}`,
    )
}

/** A file that another process removes meanwhile needs nothing. */
function keepToOwner(path: string): void {
  const status = lstatSync(path, { throwIfNoEntry: false })
  if (status?.isFile() === true && (status.mode & GROUP_AND_OTHERS) !== 0)
    chmodSync(path, status.mode & 0o700)
}
