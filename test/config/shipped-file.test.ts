import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { replyRules } from '../../src/app/reply-rules.ts'
import { loadConfig } from '../../src/config/load.ts'
import { configSchema } from '../../src/config/schema.ts'
import { PROVIDER_TYPES } from '../../src/identity/registry.ts'
import { type Certificates, makeCertificates } from '../real/certificates.ts'
import { type TemporaryFolder, temporaryFolder } from '../real/folder.ts'
import { configOf, GATEWAY, load } from './loading.ts'

const file = fileURLToPath(new URL('../../config/broker.yaml', import.meta.url))
const shipped = readFileSync(file, 'utf8')

/** What is left without the lines of prose: settings, in force and as comments. */
const settingsOf = (text: string) => text.split('\n').filter((line) => !/^\s*#(?: |$)/.test(line))

test('the file with Chinese comments has the same settings', () => {
  const chinese = readFileSync(file.replace('broker.yaml', 'broker.zh-CN.yaml'), 'utf8')
  expect(settingsOf(chinese)).toEqual(settingsOf(shipped))
  expect(chinese).toMatch(/\p{Script=Han}/u)
})

/** The file with every setting in force that it shows as a comment: `#key: value` or `#- key: value`. */
const uncommented = shipped.replace(/^( *)#(?=(?:- )?[A-Za-z][\w-]*:)/gm, '$1')

/** Every path that the schema knows, list positions left out; places that take any name count as one. */
function knownPaths(schema: z.core.$ZodType, path = ''): string[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return knownPaths(schema.def.innerType, path)
  if (schema instanceof z.ZodPipe) return knownPaths(schema.out, path)
  if (schema instanceof z.ZodArray) return knownPaths(schema.element, path)
  if (!(schema instanceof z.ZodObject)) return [path]
  return Object.entries(schema.shape).flatMap(([key, child]) => [
    `${path}.${key}`,
    ...knownPaths(child, `${path}.${key}`),
  ])
}

function mentionedPaths(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => mentionedPaths(item, path))
  if (typeof value !== 'object' || value === null) return [path]
  return Object.entries(value).flatMap(([key, child]) => [
    `${path}.${key}`,
    ...mentionedPaths(child, `${path}.${key}`),
  ])
}

const made = temporaryFolder('certificates')
let certificates: Certificates
beforeAll(async () => {
  certificates = await makeCertificates(made)
})
afterAll(() => made.remove())

/** The secret files that the comments name. */
function writeSecrets(folder: TemporaryFolder): void {
  for (const file of [
    'gw1.secret',
    'gw1-disconnect.secret',
    'corp.password',
    'partner.secret',
    'redis.password',
    'sentinel.password',
    'smtp.password',
    'single-sign-on.secret',
  ])
    writeFileSync(folder.file(file), 'a-secret-of-good-length\n', { mode: 0o600 })
  const url = 'postgres://ocbroker:let-me-in@db.example.org/ocbroker?sslmode=verify-full\n'
  writeFileSync(folder.file('postgres.url'), url, { mode: 0o600 })
  writeFileSync(folder.file('dictionary.acme'), 'VENDOR Acme 32473\n')
  writeFileSync(folder.file('webhook.key'), `whsec_${Buffer.alloc(32, 7).toString('base64')}\n`, {
    mode: 0o600,
  })
  copyFileSync(certificates.certificate, folder.file('broker.pem'))
  copyFileSync(certificates.key, folder.file('broker.key'))
  for (const file of [
    'redis-ca.pem',
    'postgres-ca.pem',
    'siem-ca.pem',
    'soc-ca.pem',
    'smtp-ca.pem',
    'company-ca.pem',
  ])
    writeFileSync(folder.file(file), '-----BEGIN CERTIFICATE-----\n')
}

describe('the shipped configuration', () => {
  test('has no fault, and one warning: its secret is for trying out', async () => {
    const loaded = await loadConfig(file, {}, replyRules)
    expect(loaded).toMatchObject({
      config: { gateways: [{ name: 'local', networks: [{ text: '127.0.0.1/32' }] }] },
      warnings: [{ path: 'gateways[0].secret', problem: expect.stringContaining('trying out') }],
    })
  })

  test('listens on this machine only', async () => {
    expect(await loadConfig(file, {}, replyRules)).toMatchObject({
      config: { radius: { addresses: ['127.0.0.1'] } },
    })
  })

  test('mentions every key, and no other', () => {
    const known = new Set(knownPaths(configSchema(PROVIDER_TYPES)))
    const mentioned = new Set(mentionedPaths(parse(uncommented)))
    // Shown in the text, because another key stands in its place.
    const inWords = [
      '.gateways.disconnect.secret',
      '.second_factor.grace.until',
      ...['.storage.postgres.url', '.mail.folder', '.mail.pipe'],
    ]
    // The keys of a role are shown at the role desk.
    const ofOtherRole = /^\.http\.roles\.(?:admin|auditor)\./
    const missing = [...known].filter((path) => !mentioned.has(path) && !ofOtherRole.test(path))
    expect(missing).toEqual(inWords)
    const freelyNamed = ['.identity.', '.pools.', '.policies.reply.attributes.']
    const unknown = [...mentioned].filter((path) => !known.has(path))
    expect(unknown.filter((path) => !freelyNamed.some((prefix) => path.startsWith(prefix)))).toEqual([])
  })

  test('has no fault with all its comments in force', async () => {
    const loaded = await load(uncommented, (folder) => {
      writeSecrets(folder)
    })
    expect('faults' in loaded ? loaded.faults : []).toEqual([])
  })

  test('shows the defaults as they are', async () => {
    const all = await load(uncommented, (folder) => {
      writeSecrets(folder)
    })
    if (!('config' in all)) throw new Error(JSON.stringify(all.faults))
    const { radius, identity, secondFactor, passwords, limits, lockout, log, policies } = all.config
    const defaults = await configOf(GATEWAY)
    const { tls, ...overUdp } = radius
    // Where it is absent nobody is let in by it.
    const { grace, ...factor } = secondFactor
    expect(grace).toEqual({ kind: 'logins', most: 3 })
    expect({ radius: overUdp, identity, factor, limits, lockout }).toEqual({
      radius: { ...defaults.radius, tls: undefined },
      identity: defaults.identity,
      factor: { ...defaults.secondFactor, grace: undefined },
      limits: defaults.limits,
      lockout: defaults.lockout,
    })
    const files = '{ cert_file: c, key_file: k, ca_file: a }'
    const radsec = await configOf(`${GATEWAY}radius: { tls: ${files} }\n`)
    const { port, versions, maxConnections, idleMs } = radsec.radius.tls ?? expect.unreachable()
    expect(tls).toMatchObject({ port, versions, maxConnections, idleMs })
    expect(passwords.waiting).toBe(defaults.passwords.waiting)
    expect(log.level).toBe(defaults.log.level)
    expect(policies.at(-1)).toEqual(defaults.policies[0])
    expect(shipped).toContain(defaults.storage.sqlite)
    expect(shipped).toContain(defaults.storage.keyFile)
    const { keepMs, keepAuditMs, keepUsageMs } = all.config.storage
    expect({ keepMs, keepAuditMs, keepUsageMs }).toEqual({
      keepMs: defaults.storage.keepMs,
      keepAuditMs: defaults.storage.keepAuditMs,
      keepUsageMs: defaults.storage.keepUsageMs,
    })
    expect(all.config.storage.postgres).toMatchObject({ connections: 10, statementMs: 2000 })
  })
})
