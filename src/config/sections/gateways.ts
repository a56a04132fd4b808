import { resolve } from 'node:path'
import { z } from 'zod'
import type { Gateway } from '../../domain/gateway.ts'
import { contains, LOOPBACK, type Network } from '../../domain/network.ts'
import type { Secret } from '../../domain/secret.ts'
import { type Path, pathText, ValueError } from '../../schema/config-error.ts'
import { filePath, fromText, name, oneOrMany, secret, text } from '../../schema/scalars.ts'
import { checkSecretLength, NEW_SECRET } from '../../schema/shared-secret.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { PartialConfig } from '../partial-config.ts'
import { readSecretFile } from '../secret-file.ts'
import { gatewayAddress } from './gateway-address.ts'
import { certificateName, checkCertificates } from './gateway-certificate.ts'
import { checkDisconnect, disconnectSchema, readDisconnectSecret } from './gateway-disconnect.ts'
import { realm } from './identity-place.ts'
import { onOutageSchema } from './radius.ts'
import { isKnownByCertificate } from './radius-tls.ts'
import { checkInlineOrFile } from './remote-server.ts'
import { checkUniqueNames } from './unique-names.ts'

const gatewaySchema = z.strictObject({
  name: name(),
  /** May be absent where the certificate alone says who it is. */
  address: oneOrMany(gatewayAddress()).optional(),
  certificate: oneOrMany(certificateName()).optional(),
  nas_identifier: oneOrMany(text()).optional(),
  secret: secret().optional(),
  secret_file: filePath().optional(),
  class: z.enum(['semicolon', 'comma', 'each']).default('semicolon'),
  message_authenticator: z.enum(['auto', 'require', 'off']).default('auto'),
  on_outage: onOutageSchema.optional(),
  default_realm: realm().optional(),
  charset: charset().optional(),
  disconnect: disconnectSchema.optional(),
})

export const gatewaysSchema = z.array(gatewaySchema).min(1)

type Parsed = z.output<typeof gatewaysSchema>
type PartialGateway = NonNullable<PartialConfig<Parsed>[number]>

/** The secret of the shipped configuration. It is public, so it is for loopback only. */
const TRY_OUT_SECRET = 'for-trying-out-only'
/** The audit trail and the policies call the broker's own pages so. */
const OWN_PAGES = 'portal'

export function checkGateways(gateways: PartialConfig<Parsed>, diagnostics: Diagnostics): void {
  checkUniqueNames('gateways', 'gateway', gateways, diagnostics)
  checkAddresses(gateways, diagnostics)
  checkCertificates(gateways, diagnostics)
  for (const [index, gateway] of gateways.entries()) {
    if (gateway === undefined) continue
    const path: Path = ['gateways', index]
    if (gateway.name === OWN_PAGES)
      diagnostics.fault(
        [...path, 'name'],
        `${OWN_PAGES} is the name of the broker's own pages`,
        'give the gateway another name',
      )
    checkWaysIn(index, diagnostics)
    if (gateway.disconnect !== undefined) {
      const networks = (gateway.address ?? []).map((each) =>
        each !== undefined && 'network' in each ? each.network : undefined,
      )
      checkDisconnect(gateway.disconnect, networks, path, diagnostics)
    }
    if (gateway.secret !== undefined) checkSecret(gateway.secret, gateway, [...path, 'secret'], diagnostics)
  }
}

/** An address and a secret over UDP, a certificate over TLS, or both. */
function checkWaysIn(index: number, diagnostics: Diagnostics): void {
  const path: Path = ['gateways', index]
  const given = (key: string) => diagnostics.given([...path, key])
  if (!isKnownByCertificate(index, diagnostics)) {
    if (!given('address')) diagnostics.fault([...path, 'address'], 'is missing')
    checkInlineOrFile(path, 'secret', diagnostics, {
      problem: 'has no shared secret',
      suggestion: `add secret_file or secret; ${NEW_SECRET}`,
    })
    return
  }
  if (given('secret') && given('secret_file'))
    diagnostics.fault(path, 'has a secret and a secret_file', 'keep one of the two')
  if (!given('address') && (given('secret') || given('secret_file')))
    diagnostics.fault(path, 'has a shared secret, and no address that it could come from', 'add address')
}

/** Gateways may share an address if each request shows by its NAS-Identifier whose it is. */
function checkAddresses(gateways: PartialConfig<Parsed>, diagnostics: Diagnostics): void {
  const owners = new Map<string, { readonly gateway: number; readonly label: string }>()
  for (const [index, gateway] of gateways.entries()) {
    const path: Path = ['gateways', index, 'address']
    const label = gateway?.name ?? pathText(['gateways', index])
    const isList = Array.isArray(diagnostics.at(path))
    for (const [position, each] of (gateway?.address ?? []).entries()) {
      if (each?.text === undefined) continue
      const { text } = each
      const place = isList ? [...path, position] : path
      for (const identifier of gateway?.nas_identifier ?? [undefined]) {
        const key = `${text} ${identifier ?? ''}`
        const owner = owners.get(key)
        const whose = identifier === undefined ? text : `${text} with NAS-Identifier ${identifier}`
        if (owner?.gateway === index) diagnostics.fault(place, `${whose} is given twice`, 'keep one')
        else if (owner !== undefined)
          diagnostics.fault(
            place,
            `${whose} belongs to gateway ${owner.label} and to gateway ${label}`,
            'give it to one of them, or give each its nas_identifier; a longer prefix inside a network may belong to another gateway',
          )
        else owners.set(key, { gateway: index, label })
      }
      if ('network' in each && each.network?.prefix === 0)
        diagnostics.warn(
          place,
          `${text} accepts packets from everywhere`,
          'name the addresses of the gateway',
        )
    }
  }
}

function checkSecret(value: Secret, gateway: PartialGateway, path: Path, diagnostics: Diagnostics): void {
  const plain = value.reveal()
  if (plain === TRY_OUT_SECRET) {
    const problem = 'is the secret for trying out, which is public'
    if (
      gateway.address?.every(
        (each) =>
          each === undefined || ('network' in each && each.network !== undefined && isLoopback(each.network)),
      ) === true
    )
      diagnostics.warn(path, problem, `change it; ${NEW_SECRET}`)
    else diagnostics.fault(path, problem, NEW_SECRET)
    return
  }
  checkSecretLength(value, path, diagnostics)
  if (/\s/.test(plain))
    diagnostics.warn(path, 'the secret holds a blank, which the servers file of radcli cannot', NEW_SECRET)
}

function isLoopback({ base, prefix }: Network): boolean {
  return LOOPBACK.some((loopback) => prefix >= loopback.prefix && contains(loopback, base))
}

/** The secrets from files, by the gateway's position. */
interface GatewaySecrets {
  readonly shared: ReadonlyMap<number, Secret>
  /** For Disconnect-Requests alone. */
  readonly disconnect: ReadonlyMap<number, Secret>
}

export async function readGatewaySecrets(
  gateways: PartialConfig<Parsed>,
  folder: string,
  diagnostics: Diagnostics,
): Promise<GatewaySecrets> {
  const secrets = new Map<number, Secret>()
  const disconnect = new Map<number, Secret>()
  for (const [index, gateway] of gateways.entries()) {
    const own =
      gateway?.disconnect &&
      (await readDisconnectSecret(gateway.disconnect, folder, ['gateways', index, 'disconnect'], diagnostics))
    if (own !== undefined) disconnect.set(index, own)
    if (gateway?.secret_file === undefined) continue
    const path: Path = ['gateways', index, 'secret_file']
    const file = resolve(folder, gateway.secret_file)
    const remedy = `run: (umask 027; head -c 24 /dev/urandom | base64 > ${file}), and give ocserv the same secret`
    const read = diagnostics.valueOf(path, await readSecretFile(file, undefined, remedy))
    if (read === undefined) continue
    checkSecret(read, gateway, path, diagnostics)
    secrets.set(index, read)
  }
  return { shared: secrets, disconnect }
}

/** For a configuration file that every user of the machine can read. */
export function checkSecretsInOpenFile(
  gateways: PartialConfig<Parsed>,
  file: string,
  diagnostics: Diagnostics,
): void {
  const index = gateways.findIndex(
    (gateway) => gateway?.secret !== undefined && gateway.secret.reveal() !== TRY_OUT_SECRET,
  )
  if (index >= 0)
    diagnostics.warn(
      ['gateways', index, 'secret'],
      'can be read by every user of this machine',
      `run: chmod o= ${file}, or move it to a secret_file`,
    )
}

/** Leaves out gateways without a secret, which have been reported. */
export function resolveGateways(
  parsed: Parsed,
  fromFiles: GatewaySecrets,
  onOutage: Gateway['onOutage'],
): readonly Gateway[] {
  return parsed.flatMap((gateway, index) => {
    const shared = gateway.secret ?? fromFiles.shared.get(index)
    if (shared === undefined && gateway.certificate === undefined) return []
    const addresses = gateway.address ?? []
    const { disconnect } = gateway
    const disconnectSecret = disconnect?.secret ?? fromFiles.disconnect.get(index) ?? shared
    return {
      name: gateway.name,
      networks: addresses.flatMap((each) => ('network' in each ? each.network : [])),
      hosts: addresses.flatMap((each) => ('host' in each ? each.host : [])),
      nasIdentifiers: gateway.nas_identifier ?? [],
      classForm: gateway.class,
      secret: shared,
      certificates: gateway.certificate,
      messageAuthenticator: gateway.message_authenticator,
      onOutage: gateway.on_outage ?? onOutage,
      defaultRealm: gateway.default_realm,
      charset: gateway.charset,
      disconnect: disconnect && disconnectSecret && { port: disconnect.port, secret: disconnectSecret },
    }
  })
}

/** @returns the name that `TextDecoder` knows it by. */
function charset() {
  return fromText((label) => {
    try {
      const { encoding } = new TextDecoder(label)
      if (!encoding.startsWith('utf-')) return encoding
    } catch {
      // It has no such character set.
    }
    return new ValueError('is not a character set for what is not UTF-8', 'write windows-1252, or gbk')
  })
}
