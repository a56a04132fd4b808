import { connect } from 'node:net'

export interface SaslauthdRequest {
  readonly login: string
  readonly password: Buffer
  /** PAM's service: the file in /etc/pam.d. */
  readonly service: string
  readonly realm: string
}

/** saslauthd's own limit for each of the four strings (MAX_REQ_LEN), in octets. */
export const MAX_STRING = 256
/** Its replies are a word and a short reason. */
const MAX_REPLY = 1024

/** Why no reply came, in one line. */
export class NoReply extends Error {
  override readonly name = 'NoReply'
  /** Whether the question was sent. */
  readonly sent: boolean

  constructor(cause: Error, sent: boolean) {
    super(cause.message, { cause })
    this.sent = sent
  }
}

/**
 * Asks saslauthd over its socket: four strings, each behind its length in two octets, are answered by one such string
 * and the end of the connection. A reply counts only as a whole.
 * @param patienceMs from connecting to the end of the reply.
 * @returns the reply, which begins with `OK` or `NO`.
 * @throws NoReply where none came, or none that is one.
 */
export function askSaslauthd(
  socket: string,
  { login, password, service, realm }: SaslauthdRequest,
  patienceMs: number,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const connection = connect(socket)
    const received: Buffer[] = []
    let octets = 0
    const timer = setTimeout(
      () => end(new Error(`no answer within ${Math.round(patienceMs)} ms`)),
      patienceMs,
    )
    let sent = false
    function end(outcome: Error | string): void {
      clearTimeout(timer)
      connection.destroy()
      if (outcome instanceof Error) reject(new NoReply(outcome, sent))
      else resolve(outcome)
    }
    connection.on('connect', () => {
      sent = true
      connection.write(Buffer.concat([login, password, service, realm].map(counted)))
    })
    connection.on('data', (chunk: Buffer) => {
      received.push(chunk)
      octets += chunk.length
      if (octets > 2 + MAX_REPLY) end(new Error(`a reply of over ${MAX_REPLY} octets`))
    })
    connection.on('end', () => end(readReply(Buffer.concat(received))))
    connection.on('error', end)
  })
}

function counted(value: string | Buffer): Buffer {
  const octets = Buffer.from(value)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(octets.length)
  return Buffer.concat([length, octets])
}

function readReply(octets: Buffer): Error | string {
  if (octets.length === 0) return new Error('the connection ended without a reply')
  if (octets.length < 2 || octets.length !== 2 + octets.readUInt16BE(0)) {
    return new Error('a reply whose length is not the one that it states')
  }
  const reply = octets.toString('latin1', 2)
  return /^(?:OK|NO)(?: |$)/.test(reply) ? reply : new Error('a reply that is neither OK nor NO')
}
