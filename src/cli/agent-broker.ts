import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Broker } from '../agent/broker.ts'
import { readSecretFile } from '../config/secret-file.ts'
import { messageOf, OperatorError } from '../domain/errors.ts'
import { isWithin, LOOPBACK } from '../domain/network.ts'
import type { Secret } from '../domain/secret.ts'
import { ValueError } from '../schema/config-error.ts'

interface BrokerPlace {
  /** Where the broker answers HTTP. */
  readonly broker: string
  /** The gateway's name in the broker's configuration. */
  readonly gateway: string
  readonly tokenFile: string
  /** PEM. */
  readonly caFile?: string
}

/** The broker as the program of a gateway asks it, by the token of the gateway's agent. @throws OperatorError */
export async function openBroker({ broker, gateway, tokenFile, caFile }: BrokerPlace): Promise<Broker> {
  if (!/^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u.test(gateway))
    throw new OperatorError(`--gateway: "${gateway}" is no gateway's name`)
  const token = () => tokenIn(resolve(tokenFile))
  // A mistake in its name or its mode is told at once.
  await token()
  const authority = caFile === undefined ? undefined : await authorityIn(caFile)
  return new Broker({ url: urlOf(broker), gateway, token, authority })
}

function urlOf(text: string): URL {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.search !== '')
    throw new OperatorError(`--broker: "${text}" is not an address such as https://broker.example:8443`)
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (url.protocol === 'http:' && host !== 'localhost' && !isWithin(LOOPBACK, host))
    throw new OperatorError(
      `--broker: ${url.origin} would send the token unencrypted; only https may go to another machine (http.tls of the broker)`,
    )
  return url
}

async function tokenIn(file: string): Promise<Secret> {
  const remedy = `write the token into it that "ocbroker token create" prints: (umask 027; cat > ${file})`
  const token = await readSecretFile(file, undefined, remedy)
  if (token instanceof ValueError)
    throw new OperatorError(`--token-file: ${[token.problem, token.suggestion ?? []].flat().join(': ')}`)
  return token
}

async function authorityIn(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new OperatorError(`--ca-file: ${messageOf(error)}`)
  }
}
