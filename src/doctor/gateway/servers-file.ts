/** A line of radcli's servers file. */
interface SecretLine {
  readonly line: number
  /** Before the `/`, where there is a pair. */
  readonly host: string
  readonly secret: string
}

/** Which secret radcli takes for a server, and from which line. */
export interface TakenSecret {
  readonly secret: string
  readonly line: number
  /** The host of no line is the server, so that the last one counted. */
  readonly isGuessed: boolean
  /** A later line for the same host with another secret, which never counts. */
  readonly overridden?: number
}

/** @param resolve the addresses of a name; none for one that has none. */
export async function secretFor(
  text: string,
  server: string,
  resolve: (host: string) => Promise<readonly string[]>,
): Promise<TakenSecret | undefined> {
  const wanted = await resolve(server)
  const lines = await Promise.all(
    readServersFile(text).map(async (each) => ({ ...each, addresses: await resolve(each.host) })),
  )
  const matches = lines.filter(({ addresses }) => addresses.some((address) => wanted.includes(address)))
  const [first] = matches
  const last = lines.at(-1)
  if (first !== undefined)
    return {
      secret: first.secret,
      line: first.line,
      isGuessed: false,
      overridden: matches.find(({ secret }) => secret !== first.secret)?.line,
    }
  // Where the host of any line is known, radcli goes on with what it read last.
  if (last === undefined || lines.every(({ addresses }) => addresses.length === 0)) return undefined
  return { secret: last.secret, line: last.line, isGuessed: true }
}

/** Lines with a host and a secret; what comes behind is left out. */
export function readServersFile(text: string): readonly SecretLine[] {
  return text.split('\n').flatMap((whole, index) => {
    if (whole.startsWith('#')) return []
    const [host, secret] = whole.split(/[ \t\r]+/).filter((word) => word !== '')
    if (host === undefined || secret === undefined) return []
    return { line: index + 1, host: host.split('/')[0] ?? host, secret }
  })
}
