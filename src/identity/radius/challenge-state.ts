/** Which server put a question, and the State that must go back to it: no other server knows it. */
export interface UpstreamState {
  /** `UpstreamServer.key`. */
  readonly server: string
  /** As it came; no octets where the server sent none. */
  readonly state: Buffer
}

/** Neither `host:port` nor base64url holds one. */
const BETWEEN = ' '

/** As it is kept while the user is asked. */
export function asText({ server, state }: UpstreamState): string {
  return `${server}${BETWEEN}${state.toString('base64url')}`
}

export function readState(kept: string): UpstreamState {
  const [server = '', state = ''] = kept.split(BETWEEN)
  return { server, state: Buffer.from(state, 'base64url') }
}
