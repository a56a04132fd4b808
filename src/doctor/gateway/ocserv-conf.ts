/** The settings of ocserv.conf, or of one virtual host in it. Each name may be given more than once. */
export class OcservSettings {
  /** The name of the virtual host; undefined for the default one. */
  readonly vhost: string | undefined
  readonly #values = new Map<string, string[]>()

  constructor(vhost?: string) {
    this.vhost = vhost
  }

  add(name: string, value: string): void {
    const values = this.#values.get(name) ?? []
    this.#values.set(name, values)
    values.push(value)
  }

  all(name: string): readonly string[] {
    return this.#values.get(name) ?? []
  }

  /** The last one counts. */
  last(name: string): string | undefined {
    return this.all(name).at(-1)
  }

  /** What follows a number on its line is left out, as ocserv does. @returns undefined where there is none. */
  number(name: string): number | undefined {
    const digits = /^-?\d+/.exec(this.last(name) ?? '')?.[0]
    return digits === undefined ? undefined : Number(digits)
  }

  /** ocserv takes `true` and `yes` for true, and nothing else. */
  isTrue(name: string): boolean {
    return isTrue(this.last(name))
  }
}

export interface OcservConf {
  readonly main: OcservSettings
  readonly vhosts: readonly OcservSettings[]
}

export function isTrue(value: string | undefined): boolean {
  return value !== undefined && /^(true|yes)$/i.test(value.trim())
}

const SETTING = /^\s*([A-Za-z0-9_-]+)\s*=\s*(.*)$/
const VHOST = /^\s*\[\s*vhost:\s*([^\]]*?)\s*\]/

/** Reads what ocserv reads and skips what it skips; whether a value makes sense is not looked at. */
export function readOcservConf(text: string): OcservConf {
  const main = new OcservSettings()
  const vhosts: OcservSettings[] = []
  let current = main
  for (const line of text.split(/\r?\n/)) {
    const vhost = VHOST.exec(line)
    if (vhost !== null) {
      current = new OcservSettings(vhost[1])
      vhosts.push(current)
      continue
    }
    const setting = SETTING.exec(line)
    if (setting !== null) current.add(setting[1] ?? '', unquoted(setting[2] ?? ''))
  }
  return { main, vhosts }
}

/** The line's value: within its quotes, where it begins with one. */
function unquoted(text: string): string {
  const quoted = /^"([^"]*)"/.exec(text)
  return quoted === null ? text.trim() : (quoted[1] ?? '')
}
