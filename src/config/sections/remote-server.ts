import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { isWithin, LOOPBACK } from '../../domain/network.ts'
import type { Secret } from '../../domain/secret.ts'
import type { Path } from '../../schema/config-error.ts'
import type { Diagnostics } from '../diagnostics.ts'
import { readSecretFile } from '../secret-file.ts'
import { systemMessage } from '../small-file.ts'

/** The host of a URL, an IPv6 address without its brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1')
}

/** @returns undefined if a percent sign begins no escape. */
export function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

export function isLocalHost(host: string): boolean {
  return host === 'localhost' || host.startsWith('/') || isWithin(LOOPBACK, host)
}

/** Reads a file of CA certificates in PEM, if the section names one. */
export async function readAuthorities(
  folder: string,
  file: string | undefined,
  place: Path,
  diagnostics: Diagnostics,
): Promise<string | undefined> {
  if (file === undefined) return undefined
  const path = resolve(folder, file)
  try {
    const pem = await readFile(path, 'utf8')
    if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem
    diagnostics.fault(place, `${path} holds no certificate in PEM`)
  } catch (error) {
    diagnostics.fault(place, `${path} cannot be read: ${systemMessage(error)}`)
  }
  return undefined
}

/** Reads a secret file, if the section names one. */
export async function readNamedSecret(
  folder: string,
  file: string | undefined,
  place: Path,
  diagnostics: Diagnostics,
): Promise<Secret | undefined> {
  return file === undefined
    ? undefined
    : diagnostics.valueOf(place, await readSecretFile(resolve(folder, file)))
}

/** For an option that is written either inline or into a file that is named. */
export function checkInlineOrFile(
  path: Path,
  key: string,
  diagnostics: Diagnostics,
  missing: { readonly problem: string; readonly suggestion: string },
): void {
  const inline = diagnostics.given([...path, key])
  const inFile = diagnostics.given([...path, `${key}_file`])
  if (inline && inFile) diagnostics.fault(path, `has a ${key} and a ${key}_file`, 'keep one of the two')
  if (!inline && !inFile) diagnostics.fault(path, missing.problem, missing.suggestion)
}
