import { resolve } from 'node:path'
import { z } from 'zod'
import type { Gateway } from '../../domain/gateway.ts'
import { contains, type Network, parseNetwork } from '../../domain/network.ts'
import type { Secret } from '../../domain/secret.ts'
import { type Path, pathText, type Report, Slip } from '../fault.ts'
import { filePath, name, network, oneOrMany, secret } from '../scalars.ts'
import type { Draft } from '../schema-walk.ts'
import { readSecretFile } from '../secret-file.ts'
import { onOutageShape } from './radius.ts'
import { judgeLength, NEW_SECRET } from './shared-secret.ts'

const gatewayShape = z.strictObject({
  name: name(),
  address: oneOrMany(network()),
  secret: secret().optional(),
  secret_file: filePath().optional(),
  message_authenticator: z.enum(['auto', 'require', 'off']).default('auto'),
  on_outage: onOutageShape.optional(),
})

export const gatewaysShape = z.array(gatewayShape).min(1)

type Parsed = z.output<typeof gatewaysShape>
type GatewayDraft = NonNullable<Draft<Parsed>[number]>

/** The secret of the configuration that comes with the broker. Everybody knows it, so it serves loopback only. */
const TRY_OUT_SECRET = 'for-trying-out-only'
/** What the audit trail and the policies call the broker's own pages. */
const OWN_PAGES = 'portal'
const LOOPBACK = ['127.0.0.0/8', '::1'].flatMap((text) => parseNetwork(text) ?? [])

export function checkGateways(draft: Draft<Parsed>, report: Report): void {
  const names = new Map<string, number>()
  const networks = new Map<string, { readonly gateway: number; readonly label: string }>()
  for (const [index, gateway] of draft.entries()) {
    if (gateway === undefined) continue
    const path: Path = ['gateways', index]
    const label = gateway.name ?? pathText(path)
    checkName(gateway, index, names, report)
    for (const [position, each] of (gateway.address ?? []).entries()) {
      if (each === undefined) continue
      const at = Array.isArray(report.at([...path, 'address']))
        ? [...path, 'address', position]
        : [...path, 'address']
      const other = networks.get(each.text)
      if (other?.gateway === index) report.fault(at, `${each.text} stands here twice`, 'keep one')
      else if (other !== undefined)
        report.fault(
          at,
          `${each.text} belongs to gateway ${other.label} and to gateway ${label}`,
          'give it to one of them; a longer prefix inside a network may belong to another gateway',
        )
      else networks.set(each.text, { gateway: index, label })
      if (each.prefix === 0)
        report.warn(at, `${each.text} takes packets from everywhere`, 'name the addresses of the gateway')
    }
    checkSecretSource(gateway, path, report)
  }
}

function checkName(gateway: GatewayDraft, index: number, names: Map<string, number>, report: Report): void {
  if (gateway.name === undefined) return
  if (gateway.name === OWN_PAGES)
    report.fault(
      ['gateways', index, 'name'],
      `${OWN_PAGES} is what the broker calls its own pages`,
      'give the gateway another name',
    )
  const earlier = names.get(gateway.name)
  if (earlier === undefined) names.set(gateway.name, index)
  else
    report.fault(
      ['gateways', index, 'name'],
      `${gateway.name} is already the name of gateways[${earlier}]`,
      'give each gateway a name of its own',
    )
}

function checkSecretSource(gateway: GatewayDraft, path: Path, report: Report): void {
  const inline = report.given([...path, 'secret'])
  const inFile = report.given([...path, 'secret_file'])
  if (inline && inFile) report.fault(path, 'has a secret and a secret_file', 'keep one of the two')
  if (!inline && !inFile)
    report.fault(path, 'has no shared secret', `add secret_file or secret; ${NEW_SECRET}`)
  if (gateway.secret !== undefined) judgeSecret(gateway.secret, gateway, [...path, 'secret'], report)
}

function judgeSecret(value: Secret, gateway: GatewayDraft, path: Path, report: Report): void {
  const plain = value.reveal()
  if (plain === TRY_OUT_SECRET) {
    if (gateway.address?.every((each) => each === undefined || isLoopback(each)) !== true)
      report.fault(path, 'is the secret for trying out, which everybody knows', NEW_SECRET)
    else report.warn(path, 'is the secret for trying out, which everybody knows', `change it; ${NEW_SECRET}`)
    return
  }
  judgeLength(value, path, report)
  if (/\s/.test(plain))
    report.warn(path, 'the secret holds a blank, which the servers file of radcli cannot', NEW_SECRET)
}

function isLoopback(each: Network): boolean {
  return LOOPBACK.some((loop) => each.prefix >= loop.prefix && contains(loop, each.base))
}

/** Reads each secret_file that is named. @returns the secrets by the gateway's position. */
export async function readGatewaySecrets(
  draft: Draft<Parsed>,
  folder: string,
  report: Report,
): Promise<ReadonlyMap<number, Secret>> {
  const secrets = new Map<number, Secret>()
  for (const [index, gateway] of draft.entries()) {
    if (gateway?.secret_file === undefined) continue
    const path: Path = ['gateways', index, 'secret_file']
    const found = await readSecretFile(resolve(folder, gateway.secret_file))
    if (found instanceof Slip) {
      report.fault(path, found.problem, found.suggestion)
      continue
    }
    judgeSecret(found, gateway, path, report)
    secrets.set(index, found)
  }
  return secrets
}

/** For a configuration file that every user of the machine can read. */
export function checkSecretsInOpenFile(draft: Draft<Parsed>, file: string, report: Report): void {
  const index = draft.findIndex(
    (gateway) => gateway?.secret !== undefined && gateway.secret.reveal() !== TRY_OUT_SECRET,
  )
  if (index >= 0)
    report.warn(
      ['gateways', index, 'secret'],
      'can be read by every user of this machine',
      `run: chmod o= ${file}, or move it to a secret_file`,
    )
}

/** Leaves out a gateway without a secret: the checks have told of it by then. */
export function resolveGateways(
  parsed: Parsed,
  fromFiles: ReadonlyMap<number, Secret>,
  onOutage: Gateway['onOutage'],
): readonly Gateway[] {
  return parsed.flatMap((gateway, index) => {
    const shared = gateway.secret ?? fromFiles.get(index)
    if (shared === undefined) return []
    return [
      {
        name: gateway.name,
        networks: gateway.address,
        secret: shared,
        messageAuthenticator: gateway.message_authenticator,
        onOutage: gateway.on_outage ?? onOutage,
      },
    ]
  })
}
