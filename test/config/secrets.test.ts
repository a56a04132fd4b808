import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { replyRules } from '../../src/app/reply-rules.ts'
import { describeFaults } from '../../src/config/describe-faults.ts'
import { loadConfig } from '../../src/config/load.ts'
import { readSecretFile } from '../../src/config/secret-file.ts'
import { ValueError } from '../../src/schema/config-error.ts'
import { type TemporaryFolder, temporaryFolder } from '../real/folder.ts'
import { faultOf, faultsOf, load, warningsOf } from './loading.ts'

let folder: TemporaryFolder
beforeEach(() => {
  folder = temporaryFolder('secrets')
})
afterEach(() => folder.remove())

function secretFile(content: string | Buffer, mode = 0o600): string {
  const path = folder.file('gw.secret')
  writeFileSync(path, content)
  chmodSync(path, mode)
  return path
}

async function problemOf(path: string, shared?: readonly string[]): Promise<string> {
  const found = await readSecretFile(path, shared)
  return found instanceof ValueError ? found.problem : 'none'
}

describe('a secret file', () => {
  test.each([
    ['sixteen-octets-x', 'sixteen-octets-x'],
    ['sixteen-octets-x\n', 'sixteen-octets-x'],
    ['sixteen-octets-x\r\n', 'sixteen-octets-x'],
    [' blanks stay \n', ' blanks stay '],
    ['密钥\n', '密钥'],
  ])('%j is read as %j', async (content, secret) => {
    const found = await readSecretFile(secretFile(content))
    expect(found instanceof ValueError ? found : found.reveal()).toBe(secret)
  })

  test('keeps octets that are no UTF-8 as they are', async () => {
    const octets = Buffer.from('ff80fe8190919293949596979899', 'hex')
    const found = await readSecretFile(secretFile(octets))
    expect(found instanceof ValueError ? found : found.bytes()).toEqual(octets)
  })

  test.each([
    ['', 'is empty'],
    ['\n', 'is empty'],
    ['a\nb\n', 'more than one line'],
    ['a\n\n', 'more than one line'],
    ['a\0b', 'more than one line'],
    ['x'.repeat(5000), 'too long'],
  ])('%j is refused', async (content, problem) => {
    expect(await problemOf(secretFile(content))).toContain(problem)
  })

  test.each([0o644, 0o604, 0o602, 0o601, 0o666])(
    'with mode %i (others) is refused with the command that fixes it',
    async (mode) => {
      const path = secretFile('sixteen-octets-x', mode)
      const error = await readSecretFile(path)
      if (!(error instanceof ValueError)) throw new Error('it was taken')
      expect(error.problem).toContain('every user')
      execFileSync('sh', ['-c', error.suggestion?.replace('run: ', '') ?? 'false'])
      expect(await problemOf(path)).toBe('none')
    },
  )

  test.each([0o400, 0o440, 0o600, 0o640])('with mode %i (owner and group) is used', async (mode) => {
    expect(await problemOf(secretFile('sixteen-octets-x', mode))).toBe('none')
  })

  test('may be open to others in the folders of container secrets, and in no folder with a similar name', async () => {
    const path = secretFile('sixteen-octets-x', 0o444)
    expect(await problemOf(path, [`${folder.path}/`])).toBe('none')
    expect(await problemOf(path, ['/run/secrets/', `${folder.path}x/`])).toContain('every user')
  })

  test('that is missing, a folder or a pipe is refused at once', async () => {
    expect(await problemOf(folder.file('none'))).toContain('there is no such file')
    mkdirSync(folder.file('folder'))
    expect(await problemOf(folder.file('folder'))).toContain('is not a file')
    execFileSync('sh', ['-c', 'mkfifo -m 600 "$0"', folder.file('pipe')])
    expect(await problemOf(folder.file('pipe'))).toContain('is not a file')
  })

  test('that is missing, with a secret that others have made, is to be written', async () => {
    const error = await readSecretFile(folder.file('none'))
    const suggestion = `write the secret into it: (umask 027; cat > ${folder.file('none')})`
    expect(error).toMatchObject({ suggestion })
  })

  test('may be reached by a symbolic link', async () => {
    symlinkSync(secretFile('sixteen-octets-x'), folder.file('link'))
    expect(await problemOf(folder.file('link'))).toBe('none')
  })
})

describe('the secret of a gateway', () => {
  const gateway = (more: string, address = '192.0.2.1') =>
    `gateways: [{ name: a, address: "${address}", ${more} }]`

  test('from a file beside the configuration reaches the gateway', async () => {
    const loaded = await load(gateway('secret_file: gw.secret'), (made) => {
      writeFileSync(made.file('gw.secret'), 'a-secret-of-good-length\n', { mode: 0o600 })
    })
    if (!('config' in loaded)) throw new Error(JSON.stringify(loaded))
    expect(loaded.config.gateways[0]?.secret?.reveal()).toBe('a-secret-of-good-length')
    expect(loaded.warnings).toEqual([])
  })

  test('from a file is checked like one in the configuration', async () => {
    const loaded = await load(gateway('secret_file: gw.secret'), (made) => {
      writeFileSync(made.file('gw.secret'), 'short\n', { mode: 0o600 })
    })
    expect(loaded).toMatchObject({ faults: [{ path: 'gateways[0].secret_file', line: 1 }] })
  })

  test('must have 8 characters, and should have 16', async () => {
    expect((await faultOf(gateway('secret: 7-signs'))).problem).toContain('has 7 characters')
    expect(await warningsOf(gateway('secret: 8-signs-'))).toMatchObject([{ path: 'gateways[0].secret' }])
    expect(await warningsOf(gateway('secret: 15-signs-------'))).toHaveLength(1)
    expect(await warningsOf(gateway('secret: 16-signs--------'))).toEqual([])
  })

  test('with a blank in it is a warning', async () => {
    expect((await warningsOf(gateway('secret: "a secret of good length"')))[0]?.problem).toContain('radcli')
  })

  test.each(['127.0.0.1', '127.0.0.0/8', '::1'])(
    'for trying out works for %s, with a warning',
    async (address) => {
      const warnings = await warningsOf(gateway('secret: for-trying-out-only', address))
      expect(warnings).toMatchObject([
        { path: 'gateways[0].secret', problem: expect.stringContaining('trying out') },
      ])
    },
  )

  test.each(['192.0.2.1', '0.0.0.0/0', '126.0.0.0/7', '::/0'])(
    'for trying out is refused for %s',
    async (address) => {
      const fault = await faultOf(gateway('secret: for-trying-out-only', address))
      expect(fault).toMatchObject({
        path: 'gateways[0].secret',
        problem: expect.stringContaining('trying out'),
      })
    },
  )

  test('in a file that is missing is reported with a command that makes a good one', async () => {
    const file = folder.file('broker.yaml')
    writeFileSync(file, `${gateway('secret_file: gw.secret')}\npolicies: [{ name: all, reply: {} }]`)
    const loaded = await loadConfig(file, {}, replyRules)
    const [fault] = 'faults' in loaded ? loaded.faults : []
    const command = /^run: (.+), and give/.exec(fault?.suggestion ?? '')?.[1]
    execFileSync('sh', ['-c', command ?? 'false'])
    const made = await readSecretFile(folder.file('gw.secret'))
    expect(made instanceof ValueError ? made : made.bytes().length).toBe(32)
    expect(await loadConfig(file, {}, replyRules)).toMatchObject({ config: {} })
  })

  test('in a configuration file that everybody can read is a warning; in one of owner and group it is not', async () => {
    const file = folder.file('broker.yaml')
    writeFileSync(file, gateway('secret: a-secret-of-good-length'))
    chmodSync(file, 0o644)
    expect(await loadConfig(file, {}, replyRules)).toMatchObject({
      warnings: [{ path: 'gateways[0].secret', suggestion: expect.stringContaining(`chmod o= ${file}`) }],
    })
    chmodSync(file, 0o640)
    expect(await loadConfig(file, {}, replyRules)).toMatchObject({ warnings: [] })
  })
})

describe('no fault and no warning repeats a secret', () => {
  const CANARY = 'canary7f3a'
  test.each([
    `gateways: [{ name: a, address: 192.0.2, secret: ${CANARY} }]`,
    `gateways: [{ name: a, address: 192.0.2.1, secret: [${CANARY}] }]`,
    `gateways: [{ name: a, address: 192.0.2.1, secret: { ${CANARY}: 1 } }]`,
    `gateways: [{ name: a, address: 192.0.2.1, secret: *${CANARY} }]`,
    `gateways: [{ name: a, address: 192.0.2.1, secret: !${CANARY} x }]`,
    `gateways: [{ name: a, address: 192.0.2.1, secret: @${CANARY} }]`,
    `gateways: [{ name: a, address: 192.0.2.1, secret: "${CANARY} }]`,
    `gateways: [{ name: a, address: 192.0.2.1, secret: "\\${CANARY}" }]`,
    `gateways: [{ name: a, address: 192.0.2.1, secret:${CANARY} }]`,
    `gateways:\n  - name: a\n    address: 192.0.2.1\n    secret: ${CANARY}: x`,
    `gateways:\n  - name: a\n    address: 192.0.2.1\n    secret:${CANARY}\n    on_outage: reject`,
    `gateways: [{ name: a, address: 192.0.2.1, secret: ${CANARY}, secret: ${CANARY} }]`,
    `gateways: [{ name: a, address: 192.0.2.1, secret: x${CANARY.slice(-6)} }]`,
  ])('%s', async (text) => {
    const found = await faultsOf(text)
    expect(found).not.toEqual([])
    const printed = JSON.stringify(found) + describeFaults('broker.yaml', found)
    expect(printed).not.toContain(CANARY.slice(-6))
  })

  test('nor does the loaded configuration when it is printed', async () => {
    const loaded = await load(`gateways: [{ name: a, address: 192.0.2.1, secret: ${CANARY}-long-enough }]`)
    expect(loaded).toHaveProperty('config')
    expect(JSON.stringify(loaded) + inspect(loaded, { depth: 9 })).not.toContain(CANARY)
  })

  test('a missing space after the colon is recognised', async () => {
    const found = await faultOf(`gateways: [{ name: a, address: 192.0.2.1, secret:${CANARY} }]`)
    expect(found).toMatchObject({
      path: 'gateways[0]["secret:…"]',
      problem: 'has no space after the colon',
      suggestion: 'write "secret: …"',
    })
  })
})
