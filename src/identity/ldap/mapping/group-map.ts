import { foldName } from '../../../domain/login-name.ts'
import { comparableDn, parseDn } from './distinguished-name.ts'

/** A group as the directory has it. */
export interface DirectoryGroup {
  readonly dn: string
  /** Absent where only the distinguished name is known, as in `memberOf`. */
  readonly name?: string
}

export interface GroupMapOptions {
  readonly map: Readonly<Record<string, readonly string[]>>
  readonly unmapped: 'drop' | 'cn'
}

/** Users share groups, so that few names are taken apart more than once. */
const KEPT_NAMES = 10_000

/** From the directory's groups to the broker's. Names and distinguished names are compared without regard to case. */
export class GroupMap {
  readonly #byDn = new Map<string, readonly string[]>()
  readonly #byName = new Map<string, readonly string[]>()
  readonly #unmapped: 'drop' | 'cn'
  readonly #known = new Map<string, readonly string[]>()

  /** A key with `=` in it is a distinguished name. */
  constructor({ map, unmapped }: GroupMapOptions) {
    this.#unmapped = unmapped
    for (const [key, groups] of Object.entries(map)) {
      const dn = key.includes('=') ? comparableDn(key) : undefined
      if (dn === undefined) this.#byName.set(foldName(key), groups)
      else this.#byDn.set(dn, groups)
    }
  }

  /** @returns the broker's groups, each once, in the order in which the directory named them. */
  toBroker(groups: readonly DirectoryGroup[]): readonly string[] {
    return [...new Set(groups.flatMap((group) => this.#lookUp(group)))]
  }

  #lookUp({ dn, name }: DirectoryGroup): readonly string[] {
    const key = name === undefined ? dn : `${name}\0${dn}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const found = this.#find(dn, name ?? parseDn(dn)?.[0]?.[0]?.[1])
    const [oldest] = this.#known.keys()
    if (this.#known.size >= KEPT_NAMES && oldest !== undefined) this.#known.delete(oldest)
    this.#known.set(key, found)
    return found
  }

  #find(dn: string, name: string | undefined): readonly string[] {
    const comparable = this.#byDn.size > 0 ? comparableDn(dn) : undefined
    const mapped = comparable === undefined ? undefined : this.#byDn.get(comparable)
    if (mapped !== undefined) return mapped
    if (name === undefined) return []
    return this.#byName.get(foldName(name)) ?? (this.#unmapped === 'cn' ? [name] : [])
  }
}
