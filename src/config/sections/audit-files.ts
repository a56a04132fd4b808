import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Secret } from '../../domain/secret.ts'
import type { Path } from '../../schema/config-error.ts'
import type { Diagnostics } from '../diagnostics.ts'
import { systemMessage } from '../small-file.ts'
import { readAuthorities, readNamedSecret } from './remote-server.ts'

/** What the files of one receiver of the audit trail hold. */
export interface SinkFiles {
  readonly authorities?: string
  readonly certificate?: string
  readonly key?: Secret
  readonly secret?: Secret
}

export interface AuditFiles {
  readonly syslog: readonly SinkFiles[]
  readonly webhook: readonly SinkFiles[]
}

/** As the section names them; parts with a fault are missing. */
interface Named {
  readonly secret_file?: string
  readonly tls?: {
    readonly ca_file?: string
    readonly cert_file?: string
    readonly key_file?: string
  }
}

type Sinks = readonly (Named | undefined)[] | undefined

export async function readAuditFiles(
  audit: { readonly syslog?: Sinks; readonly webhook?: Sinks } | undefined,
  folder: string,
  diagnostics: Diagnostics,
): Promise<AuditFiles> {
  const all = (kind: 'syslog' | 'webhook') =>
    Promise.all(
      (audit?.[kind] ?? []).map((sink = {}, index) =>
        readFilesOf(sink, folder, ['audit', kind, index], diagnostics),
      ),
    )
  return { syslog: await all('syslog'), webhook: await all('webhook') }
}

async function readFilesOf(
  { secret_file: secretFile, tls = {} }: Named,
  folder: string,
  path: Path,
  diagnostics: Diagnostics,
): Promise<SinkFiles> {
  const at = (key: string) => [...path, 'tls', key]
  const secret = await readNamedSecret(folder, secretFile, [...path, 'secret_file'], diagnostics)
  if (secret !== undefined && !isKey(secret))
    diagnostics.fault(
      [...path, 'secret_file'],
      'holds no key of a webhook',
      'make one: echo "whsec_$(openssl rand -base64 32)"',
    )
  const authorities = await readAuthorities(folder, tls.ca_file, at('ca_file'), diagnostics)
  const certificate = await readAuthorities(folder, tls.cert_file, at('cert_file'), diagnostics)
  const key = await readKey(folder, tls.key_file, at('key_file'), diagnostics)
  if (certificate !== undefined && key !== undefined && !belongTogether(certificate, key))
    diagnostics.fault(at('key_file'), 'is not the key of cert_file', 'name the two that belong together')
  return { authorities, certificate, key, secret }
}

/** `whsec_` and 24 to 64 octets in base64, as Standard Webhooks write it. */
function isKey(secret: Secret): boolean {
  const [, text = ''] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret.reveal()) ?? []
  const key = Buffer.from(text, 'base64')
  return key.toString('base64') === text && key.length >= 24 && key.length <= 64
}

async function readKey(
  folder: string,
  file: string | undefined,
  place: Path,
  diagnostics: Diagnostics,
): Promise<Secret | undefined> {
  if (file === undefined) return undefined
  const path = resolve(folder, file)
  try {
    const pem = await readFile(path, 'utf8')
    if (pem.includes('PRIVATE KEY-----')) return new Secret(pem)
    diagnostics.fault(place, `${path} holds no key in PEM`)
  } catch (error) {
    diagnostics.fault(place, `${path} cannot be read: ${systemMessage(error)}`)
  }
  return undefined
}

function belongTogether(certificate: string, key: Secret): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key.reveal()))
  } catch {
    return false
  }
}
