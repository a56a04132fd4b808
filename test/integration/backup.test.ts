import {
  chownSync,
  copyFileSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { generateSync } from 'otplib'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { type Installation, install } from '../real/broker.ts'
import { temporaryFolder } from '../real/folder.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople } from '../real/people.ts'
import { POSTGRES_NEEDS, type Postgres, startPostgres } from '../real/postgres.ts'
import { thisMachine } from '../real/process.ts'
import { fill } from '../store/fill.ts'

interface Restored {
  readonly tables: readonly { readonly table: string; readonly rows: number; readonly digest: string }[]
  readonly files: readonly string[]
}

const PASSPHRASE = 'a passphrase for the tests'
const NOBODY = 65534

describeWith(POSTGRES_NEEDS, 'ocbroker backup and restore', () => {
  const resources = new AsyncDisposableStack()
  let server: Postgres
  beforeAll(async () => {
    server = await startPostgres()
    resources.defer(server.stop)
  })
  afterAll(() => resources.disposeAsync())

  let here: Installation
  let file: string
  let passphrase: readonly string[]
  beforeEach(async () => {
    here = await newInstallation()
    file = here.folder.file('ocbroker.backup')
    const passphraseFile = here.folder.file('passphrase')
    writeFileSync(passphraseFile, `${PASSPHRASE}\n`)
    passphrase = ['--passphrase-file', passphraseFile]
    writeFileSync(here.keyFile, `k1:${Buffer.alloc(32, 1).toString('base64')}\n`, { mode: 0o600 })
  })

  async function newInstallation(): Promise<Installation> {
    const made = await install({ sections: { gateways: GATEWAYS, second_factor: { mode: 'append' } } })
    writeFileSync(made.folder.file('gw.secret'), made.secret, { mode: 0o640 })
    onTestFinished(made.remove)
    return made
  }
  /** Another place, with its records in PostgreSQL. */
  async function newInPostgres(): Promise<{ there: Installation }> {
    const there = await newInstallation()
    const url = await server.newDatabase()
    writeFileSync(there.folder.file('postgres.url'), url, { mode: 0o600 })
    const storage = { postgres: { url_file: 'postgres.url' }, key_file: 'seed.key' }
    there.configure({ gateways: GATEWAYS, second_factor: { mode: 'append' }, storage })
    return { there }
  }
  const backUp = (from: Installation, ...args: string[]) =>
    from.ocbroker(['backup', file, ...passphrase, ...args])
  const restore = (to: Installation, ...args: string[]) =>
    to.ocbroker(['restore', file, ...passphrase, ...args]) as Promise<Restored>
  const refused = async (to: Installation, ...args: string[]) => {
    const { code, stdout, stderr } = await to.run(['restore', file, ...passphrase, ...args])
    expect([code, stdout]).toEqual([1, ''])
    return stderr
  }
  /** Runs a verb with another configuration. */
  const at = (config: string, ...args: readonly string[]) => {
    const [program, [main = '']] = here.words()
    return thisMachine.run(program, [main, ...args, '--config', config])
  }
  const fillFile = async (path: string) => {
    const store = await openSqlite({ path, serves: false })
    await fill(store.records).finally(store.close)
  }
  const filesIn = (folder: string) => readdirSync(folder).sort()
  /** Without what SQLite keeps beside a database while it is open, and for readers. */
  const lastingFilesIn = (folder: string) => filesIn(folder).filter((name) => !/-(wal|shm)$/.test(name))

  test('carry everything from a file to PostgreSQL and back into a file', async () => {
    await fillFile(here.database)
    await backUp(here)
    const { there } = await newInPostgres()
    const moved = await restore(there)
    expect(moved.tables.find(({ table }) => table === 'audit_events')?.rows).toBeGreaterThan(1200)
    await backUp(there)
    const back = await newInstallation()
    expect((await restore(back)).tables).toEqual(moved.tables)
    expect(filesIn(back.folder.path)).toEqual(['broker.db', 'broker.yaml', 'gw.secret', 'seed.key'])
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  test('are made while a broker runs, and let its users log in at another one', async () => {
    const [alice] = await addPeople(here, [{ name: 'alice', password: 'correct horse' }])
    const running = await here.serve()
    onTestFinished(running.stop)
    await backUp(here)
    const { there } = await newInPostgres()
    await restore(there)
    const broker = await there.serve()
    onTestFinished(broker.stop)
    const input = `correct horse${generateSync({ secret: alice?.key ?? '' })}\n`
    const { output } = await there.run(['login', 'alice', '--password-stdin'], { input })
    expect(output).toContain('Access-Accept')
    expect(await refused(there, '--replace')).toContain('a broker runs on these records')
  })

  test('bring configuration, secrets and keys to a machine that has nothing', async () => {
    await addPeople(here, [{ name: 'alice', password: 'correct horse' }])
    await backUp(here)
    const empty = temporaryFolder('empty')
    onTestFinished(empty.remove)
    const config = empty.file('etc/broker.yaml')
    const { code, output } = await at(config, 'restore', file, ...passphrase)
    expect([code, output]).toEqual([0, expect.stringContaining(`${config} was written.`)])
    expect(output).toContain(`ocbroker doctor --config ${config}"`)
    for (const name of ['broker.yaml', 'gw.secret', 'seed.key']) {
      expect(readFileSync(empty.file(`etc/${name}`))).toEqual(readFileSync(here.folder.file(name)))
      expect(statSync(empty.file(`etc/${name}`)).mode).toBe(statSync(here.folder.file(name)).mode)
    }
    expect((await at(config, 'user', 'list')).stdout).toContain('alice')
  })

  test('leave out keys and secrets where no passphrase protects them', async () => {
    await addPeople(here, [{ name: 'alice', password: 'correct horse' }])
    const { code, output } = await here.run(['backup', file, '--without-keys'])
    expect([code, output]).toEqual([0, expect.stringContaining('is not in it')])
    const there = await newInstallation()
    expect(await refused(there)).toMatch(/the key file .* is missing/)
    copyFileSync(here.keyFile, there.keyFile)
    await restore(there)
    expect((await there.run(['user', 'list'])).stdout).toContain('alice')
  })

  describe('are refused, and change nothing,', () => {
    test('where there are records, unless they are given up', async () => {
      await addPeople(here, [{ name: 'alice', password: 'correct horse', enrolled: false }])
      await backUp(here)
      rmSync(here.configFile)
      const otherKey = `k2:${Buffer.alloc(32, 2).toString('base64')}\n`
      writeFileSync(here.keyFile, otherKey)
      const before = lastingFilesIn(here.folder.path)
      expect(await refused(here)).toMatch(/is not empty .* --replace/)
      expect(lastingFilesIn(here.folder.path)).toEqual(before)
      expect(readFileSync(here.keyFile, 'utf8')).toBe(otherKey)
      const { files } = await restore(here, '--replace')
      expect(files).toContain(`${here.configFile} was written.`)
      // The keys are added to those that are there.
      expect(readFileSync(here.keyFile, 'utf8')).toBe(
        `${otherKey}k1:${Buffer.alloc(32, 1).toString('base64')}\n`,
      )
    })

    test('where the passphrase is another, or the file is not whole', async () => {
      await addPeople(here, [{ name: 'alice', password: 'correct horse' }])
      await backUp(here)
      const there = await newInstallation()
      const before = filesIn(there.folder.path)
      writeFileSync(here.folder.file('passphrase'), 'another passphrase')
      expect(await refused(there)).toContain('the passphrase is not that of')
      truncateSync(file, statSync(file).size - 1)
      expect(await refused(there)).toContain('was cut off')
      expect(filesIn(there.folder.path)).toEqual(before)
      const { code, stderr } = await here.run(['backup', file, '--passphrase-file', file])
      expect([code, stderr]).toEqual([0, expect.stringContaining('rows')])
    })

    test('where the configuration that they bring cannot be used here', async () => {
      const { there } = await newInPostgres()
      await there.run(['user', 'list'])
      await backUp(there)
      const empty = temporaryFolder('empty')
      onTestFinished(empty.remove)
      const database = new URL(readFileSync(there.folder.file('postgres.url'), 'utf8')).pathname.slice(1)
      await server.ask(`drop database "${database}"`)
      const config = empty.file('etc/broker.yaml')
      const { code, output } = await at(config, 'restore', file, ...passphrase)
      expect([code, output]).toEqual([1, expect.stringContaining(database)])
      expect(filesIn(empty.path)).toEqual([])
    })
  })

  describeWith(['root'], 'by root', () => {
    const ownerOf = (path: string) => statSync(path).uid

    test('make files for the owner of their folder, as all commands of root do', async () => {
      chownSync(here.folder.path, NOBODY, NOBODY)
      rmSync(here.keyFile)
      await addPeople(here, [{ name: 'alice', password: 'correct horse' }])
      await backUp(here)
      // What SQLite keeps beside the database is there, too: the backup has only read.
      const made = filesIn(here.folder.path).filter((name) => /^(broker\.db|seed|ocbroker)/.test(name))
      expect(made).toEqual(['broker.db', 'broker.db-shm', 'broker.db-wal', 'ocbroker.backup', 'seed.key'])
      for (const name of made) expect([name, ownerOf(here.folder.file(name))]).toEqual([name, NOBODY])
      const refusal = await here.run(['serve'])
      expect([refusal.code, refusal.stderr]).toEqual([
        1,
        expect.stringContaining('belongs to another account'),
      ])
    })
  })
})

const GATEWAYS = [{ name: 'gw', address: '127.0.0.1', secret_file: 'gw.secret' }]
