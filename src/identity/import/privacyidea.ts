import { isMap, isSeq, LineCounter, parseDocument } from 'yaml'
import type { Secret } from '../../domain/secret.ts'
import { isFernet, openFernet } from './fernet.ts'
import { BadLine, linesIn, nameIn, type Parsed, type Place, readEach } from './file-lines.ts'
import {
  algorithmIn,
  counterIn,
  digitsIn,
  driftIn,
  type ImportedToken,
  kindIn,
  periodIn,
  seedIn,
  tokenKey,
} from './imported-token.ts'
import { tableIn } from './table.ts'

/** A token as the export tells it. */
interface Told extends Place {
  readonly owner?: string
  readonly type?: string
  readonly secret?: string
  readonly digits?: string
  readonly period?: string
  readonly counter?: string
  readonly algorithm?: string
  /** Seconds that the token's clock is ahead. */
  readonly shift?: string
}

/** How `pi-tokenjanitor find export --format csv` writes a line; the last one is of totp alone. */
const COLUMNS = ['owner', 'serial', 'secret', 'type', 'digits', 'period'] as const
const NO_HEAD: ReadonlyMap<string, (typeof COLUMNS)[number]> = new Map()
const NOBODY = 'n/a'

/**
 * Reads what privacyIDEA's `pi-tokenjanitor find … export` writes in the formats `pi` (encrypted), `yaml` and `csv`. A
 * fault of the whole is a fault of its first line. Realms are privacyIDEA's own, so the user is named without one.
 * @param key that which was printed by the export in the format `pi`.
 */
export function parsePrivacyIdea(text: string, key: Secret | undefined): Parsed<ImportedToken> {
  try {
    return readEach(toldIn(text, key), tokenIn, tokenKey)
  } catch (error) {
    if (error instanceof BadLine) return { entries: [], faults: [{ line: 1, problem: error.message }] }
    throw error
  }
}

/** @throws BadLine */
function toldIn(text: string, key: Secret | undefined): Told[] {
  if (isFernet(text)) {
    if (key === undefined) throw new BadLine('the export is encrypted: --key-file names the key')
    return listedIn(openFernet(text, key))
  }
  const [first] = linesIn(text)
  if (first !== undefined && /^\s*(?:- |\[|-$)/.test(first.content)) return listedIn(text)
  return tableIn(text, { heads: NO_HEAD, usual: COLUMNS }).rows.map(({ line, fields }) => ({
    line,
    ...fields,
  }))
}

/** A list of tokens in YAML, of which JSON is a part. All values are taken as text. @throws BadLine */
function listedIn(text: string): Told[] {
  const lines = new LineCounter()
  const document = parseDocument(text, { schema: 'failsafe', lineCounter: lines, logLevel: 'silent' })
  const [error] = document.errors
  if (error !== undefined) throw new BadLine(`this is not YAML: ${error.code}`)
  if (!isSeq(document.contents)) throw new BadLine('this is not a list of tokens')
  return document.contents.items.map((item) => {
    const text = (...path: readonly string[]): string | undefined => {
      const value: unknown = isMap(item) ? item.getIn(path) : undefined
      return typeof value === 'string' && value !== 'null' && value !== '' ? value : undefined
    }
    return {
      line: isMap(item) ? lines.linePos(item.range?.[0] ?? 0).line : 1,
      owner: text('owner') ?? text('user', 'login'),
      type: text('type'),
      secret: text('otpkey'),
      digits: text('otplen'),
      counter: text('counter') ?? text('count'),
      period: text('info_list', 'timeStep'),
      algorithm: text('info_list', 'hashlib'),
      shift: text('info_list', 'timeShift'),
    }
  })
}

/** @throws BadLine */
function tokenIn({ owner = NOBODY, ...told }: Told): ImportedToken {
  if (owner === NOBODY) throw new BadLine('the token belongs to nobody')
  const kind = kindIn(told.type ?? '')
  return {
    name: nameIn(owner.replace(/@[^@]*$/, '')),
    kind,
    seed: seedIn(told.secret ?? ''),
    digits: digitsIn(told.digits ?? '6'),
    period: kind === 'totp' ? periodIn(told.period ?? '30') : 30,
    algorithm: algorithmIn(told.algorithm ?? 'sha1'),
    lastStep: kind === 'hotp' ? counterIn(told.counter ?? '0') - 1 : -1,
    driftMs: kind === 'totp' ? driftIn('timeShift', told.shift ?? '0') : 0,
  }
}
