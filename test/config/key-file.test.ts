import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { KeyFileUnusable, loadKeyRing } from '../../src/config/key-file.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { Secret } from '../../src/domain/secret.ts'
import { type TemporaryFolder, temporaryFolder } from '../real/folder.ts'

let folder: TemporaryFolder
beforeEach(() => {
  folder = temporaryFolder('keys')
})
afterEach(() => folder.remove())

const load = (path = folder.file('seed.key')) => loadKeyRing(path, systemRandom)
const key = (fill: number) => Buffer.alloc(32, fill).toString('base64')
const SEED = new Secret('twenty octets of seed')

function keyFile(content: string, mode = 0o600): void {
  writeFileSync(folder.file('seed.key'), content)
  chmodSync(folder.file('seed.key'), mode)
}

async function refusal(): Promise<string> {
  try {
    await load()
    return 'none'
  } catch (error) {
    if (error instanceof KeyFileUnusable) return error.message
    throw error
  }
}

describe('at the first start', () => {
  test('the key file is made for its owner alone, whatever the umask, with its folder', async () => {
    const umask = process.umask(0)
    try {
      await load(folder.file('data/deep/seed.key'))
    } finally {
      process.umask(umask)
    }
    expect(statSync(folder.file('data/deep/seed.key')).mode & 0o777).toBe(0o600)
    expect(statSync(folder.file('data/deep')).mode & 0o777).toBe(0o700)
    expect(readdirSync(folder.file('data/deep'))).toEqual(['seed.key'])
  })

  test('what it seals opens after every later start', async () => {
    const sealed = (await load()).seal(SEED, 'bob')
    const content = readFileSync(folder.file('seed.key'), 'utf8')
    expect((await load()).open(sealed, 'bob').equals(SEED)).toBe(true)
    expect(readFileSync(folder.file('seed.key'), 'utf8')).toBe(content)
  })

  test('twenty starts at one moment end with one key', async () => {
    const rings = await Promise.all(Array.from({ length: 20 }, () => load()))
    const sealed = rings.map((ring) => ring.seal(SEED, 'bob'))
    for (const ring of rings)
      for (const each of sealed) expect(ring.open(each, 'bob').equals(SEED)).toBe(true)
    expect(readdirSync(folder.path)).toEqual(['seed.key'])
  })

  test('a key file that another process made in the meantime is used, not replaced', async () => {
    const meanwhile = `theirs:${key(9)}\n`
    const random = {
      ...systemRandom,
      bytes(length: number) {
        if (!existsSync(folder.file('seed.key'))) keyFile(meanwhile)
        return systemRandom.bytes(length)
      },
    }
    const ring = await loadKeyRing(folder.file('seed.key'), random)
    expect(ring.seal(SEED, 'bob')).toMatch(/^theirs\./)
    expect(readFileSync(folder.file('seed.key'), 'utf8')).toBe(meanwhile)
  })

  test('two key files have different keys and names', async () => {
    const one = (await load(folder.file('a.key'))).seal(SEED, 'bob')
    const other = await load(folder.file('b.key'))
    expect(() => other.open(one, 'bob')).toThrow('no key named')
  })

  test('a folder where none can be made is reported', async () => {
    writeFileSync(folder.file('file'), '')
    await expect(load(folder.file('file/seed.key'))).rejects.toThrow(KeyFileUnusable)
  })
})

describe('a key file', () => {
  test('seals with its first key and opens with all', async () => {
    keyFile(`old:${key(1)}\n`)
    const sealed = (await load()).seal(SEED, 'bob')
    keyFile(`# turned over\n\nnew:${key(2)}\r\nold:${key(1)}`)
    const turned = await load()
    expect(turned.open(sealed, 'bob').equals(SEED)).toBe(true)
    expect(turned.seal(SEED, 'bob')).toMatch(/^new\./)
  })

  test.each([0o640, 0o620, 0o610, 0o604, 0o602, 0o601, 0o644, 0o660])(
    'with mode %i is refused with the command that fixes it',
    async (mode) => {
      keyFile(`a:${key(1)}\n`, mode)
      expect(await refusal()).toContain(`Run: chmod 600 ${folder.file('seed.key')}`)
    },
  )

  test('may be open in the folders of container secrets, and nowhere else', async () => {
    keyFile(`a:${key(1)}\n`, 0o444)
    const path = folder.file('seed.key')
    const opened = (folders: readonly string[]) => loadKeyRing(path, systemRandom, undefined, folders)
    expect((await opened([`${folder.path}/`])).has('a')).toBe(true)
    await expect(opened(['/run/secrets/', `${folder.path}x/`])).rejects.toThrow('chmod 600')
  })

  test('that only its owner can read is used', async () => {
    keyFile(`a:${key(1)}\n`, 0o400)
    expect(await refusal()).toBe('none')
  })

  test('has all its bad lines reported by number, and never their content', async () => {
    const shortKey = Buffer.alloc(31, 7).toString('base64')
    keyFile(
      `# keys\na:${key(1)}\nb ${key(2)}\nc:${shortKey}\na:${key(3)}\nd.e:${key(4)}\n:${key(5)}\nf:${key(6)}=\n`,
    )
    const message = await refusal()
    expect(message.match(/line \d+/g)).toEqual(['line 3', 'line 4', 'line 5', 'line 6', 'line 7', 'line 8'])
    for (const part of [shortKey, key(2), key(3), key(4), key(6)])
      expect(message).not.toContain(part.slice(4, 20))
  })

  test.each(['', '# nothing but this\n', '\n\n'])('%j holds no key, and is not replaced', async (content) => {
    keyFile(content)
    expect(await refusal()).toContain('it holds no key')
    expect(readFileSync(folder.file('seed.key'), 'utf8')).toBe(content)
  })

  test('that is a folder is refused', async () => {
    mkdirSync(folder.file('seed.key'))
    expect(await refusal()).toContain('is not a file')
    expect(existsSync(folder.file('seed.key'))).toBe(true)
  })
})

describe('a key file that does not belong to the database', () => {
  const needing = (inUse: readonly string[], isShared = false) =>
    loadKeyRing(folder.file('seed.key'), systemRandom, { inUse, isShared })

  test('is not made if an older one is missing', async () => {
    const loading = needing(['k1', 'k2'])
    await expect(loading).rejects.toBeInstanceOf(KeyFileUnusable)
    await expect(loading).rejects.toThrow('sealed by the keys "k1", "k2". Bring back the copy')
    expect(readdirSync(folder.path)).toEqual([])
  })

  test('is refused with the names of the missing keys', async () => {
    keyFile(`new:${key(1)}\n`)
    await expect(needing(['new', 'old'])).rejects.toThrow('the key "old". Bring back the copy')
    await expect(needing(['a', 'b', 'c', 'd'])).rejects.toThrow('the keys "a", "b", "c" …')
    keyFile(`new:${key(1)}\nold:${key(2)}\n`)
    expect((await needing(['old'])).has('new')).toBe(true)
  })

  test('is not made if brokers share the database, as each would make another', async () => {
    const loading = needing([], true)
    await expect(loading).rejects.toThrow('copy it from another of them; for the first one run: (umask 077;')
    const command = await loading.catch((error: Error) => error.message.split('run: ')[1] ?? '')
    if (typeof command !== 'string') throw new Error('a key was made')
    execFileSync('sh', ['-c', command])
    expect(statSync(folder.file('seed.key')).mode & 0o777).toBe(0o600)
    const ring = await needing([], true)
    expect(ring.open(ring.seal(SEED, 'bob'), 'bob').equals(SEED)).toBe(true)
  })
})
