import { hostname } from 'node:os'
import type { Command } from 'commander'
import { gatewayOf, serverOf } from '../app/local-endpoint.ts'
import { openRecords } from '../app/records.ts'
import type { Config } from '../config/schema.ts'
import { OperatorError } from '../domain/errors.ts'
import { type ClientIdentity, clientKey, type Gateway } from '../domain/gateway.ts'
import { parseLoginName } from '../domain/login-name.ts'
import { parseAddress } from '../domain/network.ts'
import { SYSTEM_RUNTIME } from '../domain/runtime.ts'
import { Attr, Code } from '../radius/codes.ts'
import { describeAttributes, encodeAttribute } from '../radius/dictionary.ts'
import { first, type NewAttribute, type Packet } from '../radius/packet.ts'
import { SharedSecret } from '../radius/shared-secret.ts'
import { askSecret, secretsFromStdin } from './ask-secret.ts'
import { type CommonOptions, command, readConfig } from './command.ts'
import { print } from './output.ts'
import { askToLogIn } from './radius-client.ts'

interface Options extends CommonOptions {
  readonly passwordStdin?: boolean
  readonly from: string
}

const CODES: Readonly<Record<number, string>> = {
  [Code.AccessAccept]: 'Access-Accept',
  [Code.AccessReject]: 'Access-Reject',
  [Code.AccessChallenge]: 'Access-Challenge',
}

/** RFC 2865 §5.2. */
const MAX_PASSWORD_OCTETS = 128

/** As ocserv sends them: Authenticate-Only on an asynchronous port. */
const OF_OCSERV = [encodeAttribute('Service-Type', 8), encodeAttribute('NAS-Port-Type', 0)]

export function loginCommand(): Command {
  return command('login')
    .argument('<name>')
    .option('--password-stdin', 'read the answers to the prompts from standard input, a line each')
    .option('--from <address>', "the user's own address (Calling-Station-Id)", '192.0.2.1')
    .action(login)
}

async function login(name: string, options: Options): Promise<void> {
  if (parseLoginName(name) === undefined) throw new OperatorError(`"${name}" cannot be a user's name`)
  if (parseAddress(options.from) === undefined)
    throw new OperatorError(`--from: "${options.from}" is not an address`)
  const config = await readConfig(options)
  const server = serverOf(config, 'auth')
  const gateway = gatewayOf(config, server.address)
  if (gateway === undefined)
    throw new OperatorError(
      `no gateway of the configuration holds ${server.address}, so this machine may not ask`,
    )
  const secret = new SharedSecret(gateway.secret.bytes())
  const nasIdentifier = gateway.nasIdentifiers[0] ?? hostname()
  const signed = await mustSign(config, gateway, {
    gateway: gateway.name,
    address: server.address,
    nasIdentifier,
  })
  const given = options.passwordStdin ? (await secretsFromStdin()).values() : undefined
  const answerTo = async (question: string) =>
    given === undefined ? askSecret(question) : given.next().value

  const replies: Packet[] = []
  let state: NewAttribute[] = []
  let question = `Password of ${name}: `
  for (;;) {
    const typed = await answerTo(question)
    if (typed === undefined) break
    const password = typed.bytes()
    if (password.length > MAX_PASSWORD_OCTETS)
      throw new OperatorError(`RADIUS carries ${MAX_PASSWORD_OCTETS} octets of a password at most`)
    const reply = await askToLogIn({
      server,
      secret,
      password,
      signed,
      attributes: [
        encodeAttribute('User-Name', name),
        encodeAttribute('NAS-Identifier', nasIdentifier),
        encodeAttribute('Calling-Station-Id', options.from),
        ...OF_OCSERV,
        ...state,
      ],
    })
    replies.push(reply)
    if (!options.json) print(false, undefined, () => described(reply))
    if (reply.code !== Code.AccessChallenge) break
    state = [{ type: Attr.State, value: first(reply, Attr.State) ?? Buffer.alloc(0) }]
    question = 'Answer: '
  }
  if (options.json) print(true, replies.map(asData), () => [])
  const last = replies.at(-1)?.code
  if (last === Code.AccessAccept) return
  const unanswered = last === undefined || last === Code.AccessChallenge
  throw new OperatorError(unanswered ? `standard input has no answer to: ${question.trim()}` : '')
}

function described(reply: Packet): string[] {
  const { code, attributes } = asData(reply)
  return [code, ...attributes.map(({ name, value }) => `  ${name} = ${value}`)]
}

function asData(reply: Packet): { code: string; attributes: { name: string; value: string }[] } {
  return { code: CODES[reply.code] ?? `code ${reply.code}`, attributes: describeAttributes(reply) }
}

/**
 * Message-Authenticator is sent only where the broker demands it. Sent to a gateway under `auto`, it would teach the
 * broker to demand it, and an ocserv on this very machine may not send it yet.
 */
async function mustSign(
  config: Config,
  { messageAuthenticator }: Gateway,
  client: ClientIdentity,
): Promise<boolean> {
  if (messageAuthenticator !== 'auto') return messageAuthenticator === 'require'
  const store = await openRecords(config.storage, 'command', SYSTEM_RUNTIME)
  try {
    const signing = await store.records.gateways.signing()
    return signing.some(({ key }) => key === clientKey(client))
  } finally {
    await store.close()
  }
}
