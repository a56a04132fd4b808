import { buildAccessRequest, checkMessageAuthenticator, signReply } from '../src/radius/authenticators.ts'
import { Attr, Code } from '../src/radius/codes.ts'
import { encodeAttribute } from '../src/radius/dictionary.ts'
import { decodePacket, first, type NewAttribute } from '../src/radius/packet.ts'
import { SharedSecret } from '../src/radius/shared-secret.ts'
import { decryptUserPassword, encryptUserPassword } from '../src/radius/user-password.ts'

export interface CodecCost {
  /** Decoding, verifying, decrypting, encoding and signing together: the median of the repeats. */
  readonly microsPerRequest: number
  readonly fastestRepeat: number
  readonly slowestRepeat: number
  /** The parts by themselves, medians too. */
  readonly parts: {
    readonly decode: number
    readonly verify: number
    readonly decrypt: number
    readonly sign: number
  }
  readonly requestOctets: number
  readonly replyOctets: number
}

const REQUESTS_PER_REPEAT = 20_000
const REPEATS = 11

const secret = new SharedSecret(Buffer.from('a shared secret of usual length'))

/** The attributes of an Access-Request from ocserv 1.5 with radcli 1.5, in its order. */
function typicalRequest(): Buffer {
  const authenticator = Buffer.from('8a54f4686fb394c52866e302185d0623', 'hex')
  const password = encryptUserPassword(Buffer.from('correct horse battery'), authenticator, secret)
  return buildAccessRequest({
    identifier: 7,
    authenticator,
    secret,
    messageAuthenticator: 'last',
    attributes: [
      encodeAttribute('User-Name', 'wei.zhang@corp.example'),
      { type: Attr.UserPassword, value: password },
      encodeAttribute('NAS-IP-Address', '192.0.2.1'),
      encodeAttribute('NAS-Identifier', 'gw1.example'),
      encodeAttribute('Calling-Station-Id', '198.51.100.77'),
      encodeAttribute('Acct-Session-Id', 'k2Wb0yVnQ1m4c8x+Zr/7tA5uE9s='),
      encodeAttribute('Connect-Info', 'Open AnyConnect VPN Agent v9.12'),
      encodeAttribute('Service-Type', 'Authenticate-Only'),
      encodeAttribute('NAS-Port-Type', 'Async'),
    ],
  })
}

/** What a policy of two routes, two name servers and two groups grants. */
function typicalGrant(): NewAttribute[] {
  return [
    encodeAttribute('Framed-IP-Address', '10.8.0.77'),
    encodeAttribute('Framed-IP-Netmask', '255.255.252.0'),
    encodeAttribute('Framed-Route', '10.0.0.0/8'),
    encodeAttribute('Framed-Route', '172.16.0.0/12'),
    encodeAttribute('MS-Primary-DNS-Server', '10.0.0.53'),
    encodeAttribute('MS-Secondary-DNS-Server', '10.0.0.54'),
    encodeAttribute('Class', 'OU=staff;engineering'),
    encodeAttribute('Session-Timeout', 43_200),
    encodeAttribute('Acct-Interim-Interval', 300),
  ]
}

/** Measures on the thread that calls it; a machine that is busy with other things shows in the slowest repeat. */
export async function codecCost(): Promise<CodecCost> {
  const raw = typicalRequest()
  const attributes = typicalGrant()
  const packet = decodePacket(raw)
  const hiddenPassword = first(packet, Attr.UserPassword) ?? Buffer.of()
  const sign = (request: typeof packet) =>
    signReply({ code: Code.AccessAccept, request, attributes, secret, messageAuthenticator: true })
  const answer = () => {
    const request = decodePacket(raw)
    if (checkMessageAuthenticator(request, secret) !== 'valid') throw new Error('a valid request was refused')
    const value = first(request, Attr.UserPassword)
    if (value && decryptUserPassword(value, request.authenticator, secret)?.length !== 21) {
      throw new Error('the password came out wrong')
    }
    return sign(request)
  }

  const whole = await repeats(answer)
  return {
    microsPerRequest: median(whole),
    fastestRepeat: Math.min(...whole),
    slowestRepeat: Math.max(...whole),
    parts: {
      decode: median(await repeats(() => decodePacket(raw))),
      verify: median(await repeats(() => checkMessageAuthenticator(packet, secret))),
      decrypt: median(await repeats(() => decryptUserPassword(hiddenPassword, packet.authenticator, secret))),
      sign: median(await repeats(() => sign(packet))),
    },
    requestOctets: raw.length,
    replyOctets: answer().length,
  }
}

/** Microseconds a call in each repeat, the first of which only warms the code up and is left out. */
async function repeats(call: () => unknown): Promise<number[]> {
  const micros: number[] = []
  for (let repeat = 0; repeat <= REPEATS; repeat += 1) {
    const before = performance.now()
    for (let done = 0; done < REQUESTS_PER_REPEAT; done += 1) call()
    if (repeat > 0) micros.push(((performance.now() - before) * 1000) / REQUESTS_PER_REPEAT)
    // Between two repeats the rest of the process has its turn, garbage collection too.
    await new Promise((resolve) => setImmediate(resolve))
  }
  return micros
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}
