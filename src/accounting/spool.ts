import { accessSync, constants, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '../domain/log.ts'
import { Unavailable } from '../domain/person.ts'
import type { AccountingRecord, SessionStore } from '../domain/session.ts'
import { linesOf, removeFile, SpoolFile, setAside, sizeOf } from './spool-file.ts'
import { recordOfLine, spoolLine } from './spool-line.ts'

export interface SpoolOptions {
  /** Absolute; made where it is missing, for its owner alone. */
  readonly folder: string
  /** What the files are called; each process that shares the folder has a name of its own. */
  readonly name: string
  /** Octets that may wait (256 MiB, about a million records); more are refused. */
  readonly atMost?: number
  /** Milliseconds from one attempt to deliver to the next (500). */
  readonly retryMs?: number
  readonly sessions: Pick<SessionStore, 'record'>
  readonly log: Log
}

const AT_MOST = 256 * 2 ** 20
const RETRY_MS = 500
/** Records on their way to the disk at one time: a disk that hangs takes none, and gateways send theirs again. */
const MOST_UNDER_WAY = 4096
/** Records delivered at one time. */
const BATCH = 64
/** Octets of lines that nobody can use, which are kept for people. */
const SET_ASIDE_AT_MOST = 16 * 2 ** 20

/**
 * Accounting records that the database could not take, on disk until it can. They are delivered in the order in which
 * they came, those of one session one after another. Whatever was delivered when the process ended is delivered again:
 * a record that comes twice changes nothing.
 *
 * `NAME.waiting` is added to, `NAME.leaving` is being delivered, and `NAME.refused` holds lines that were damaged or
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
  /** Lines of the file that is leaving which need not be delivered again. */
  #done = 0
  #delivered = 0
  #underWay = 0

  /** @throws Error that names the folder where it cannot be written. */
  constructor(options: SpoolOptions) {
    const { folder, name } = options
    makeSpoolFolder(folder)
    this.#options = options
    const path = (kind: string) => join(folder, `${name}.${kind}`)
    this.#paths = { waiting: path('waiting'), leaving: path('leaving'), refused: path('refused') }
    this.#waiting = new SpoolFile(this.#paths.waiting)
  }

  /** Delivers from now on, what an earlier process left as well. Not before it is sure that no such process runs. */
  begin(): void {
    this.#hasBegun = true
    this.#deliverIn(0)
  }

  /** Resolves when the record is on the disk. @throws Unavailable where there is no room. */
  async append(record: AccountingRecord): Promise<void> {
    const { folder, atMost = AT_MOST, retryMs = RETRY_MS } = this.#options
    const line = spoolLine(record)
    this.#underWay += 1
    try {
      if (this.#underWay > MOST_UNDER_WAY)
        throw new Error(`${MOST_UNDER_WAY} records wait for the disk already`)
      const kept = (await this.#waiting.size()) + (await sizeOf(this.#paths.leaving))
      if (kept + Buffer.byteLength(line) > atMost) {
        throw new Error(`${kept} octets wait in ${folder} already, and no more than ${atMost} may`)
      }
      await this.#waiting.append(line)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new Unavailable('accounting spool', why, { cause: error })
    } finally {
      this.#underWay -= 1
    }
    this.#deliverIn(retryMs)
  }

  /** Takes what is being delivered to its end. What waits is there at the next start. */
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
          // Here and not where the last file went: that may be gone although its removal ended with an error.
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
      // The first one finds out whether the database is there.
      if (batch.length < (this.#delivered === 0 ? 1 : BATCH)) continue
      if (this.#isClosed || !(await this.#deliverBatch(batch))) return false
      batch = []
    }
    return this.#deliverBatch(batch)
  }

  async #deliverBatch(lines: readonly string[]): Promise<boolean> {
    const refused: { line: string; error: unknown }[] = []
    const bySession = new Map<string, [line: string, record: AccountingRecord][]>()
    for (const line of lines) {
      const record = recordOfLine(line)
      if (record === undefined) {
        // The line feed that ends a torn line leaves an empty one where nothing was torn.
        if (line !== '') refused.push({ line, error: 'the line is damaged' })
        continue
      }
      const session = `${record.gateway} ${record.acctSession}`
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
    records: readonly [line: string, record: AccountingRecord][],
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
    if ((await sizeOf(path)) < SET_ASIDE_AT_MOST) {
      await setAside(
        path,
        refused.map(({ line }) => line),
      )
    }
  }
}

/** Names of the spools that processes have left in the folder. */
export function spoolsIn(folder: string): readonly string[] {
  makeSpoolFolder(folder)
  const names = readdirSync(folder).flatMap((file) => /^(.+)\.(?:waiting|leaving)$/.exec(file)?.[1] ?? [])
  return [...new Set(names)]
}

/** @throws Error that says what to do where it cannot be written. */
export function makeSpoolFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(
      `the folder ${folder} cannot be written (${why}). Accounting waits there while the database is away: give the broker's user the folder, or name another as storage.spool`,
      { cause: error },
    )
  }
}
