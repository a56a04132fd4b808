import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../real/folder.ts'
import { freePort } from '../real/free-port.ts'
import { guard } from '../real/guard.ts'
import { describeWith } from '../real/needs.ts'
import { outputOf, thisMachine } from '../real/process.ts'

const ROOT = join(import.meta.dirname, '../..')
const MEBIBYTE = 1024 * 1024
const PASSWORD = 'a long enough password 7'
const NEEDS = ['root', 'dpkg-deb', 'mount', 'chroot', 'systemd-analyze', 'openssl']

const run = (program: string, ...args: readonly string[]) =>
  outputOf(thisMachine, program, args, { within: 180_000 })

describeWith(NEEDS, 'the Debian package', () => {
  const folder = temporaryFolder('debian-package')
  /** This machine's files, with changes that are kept in memory and given up afterwards. */
  const machine = folder.file('machine')
  const inside = (...args: readonly string[]) => thisMachine.run('chroot', [machine, ...args])
  const insideFile = (path: string) => join(machine, path)
  const mounted = new AsyncDisposableStack()
  let file: string

  async function mount(where: string, ...args: readonly string[]): Promise<void> {
    mkdirSync(where, { recursive: true })
    await run('mount', ...args, where)
    // Also where this process is killed: a folder with /dev in it must not be left.
    mounted.defer(guard('umount --lazy "$1"', where))
  }

  beforeAll(async () => {
    file = (await run(process.execPath, join(ROOT, 'deploy/deb.ts'), folder.path)).trim()
    const memory = folder.file('memory')
    await mount(memory, '-t', 'tmpfs', 'tmpfs')
    for (const name of ['upper', 'work']) mkdirSync(join(memory, name))
    const layers = `lowerdir=/,upperdir=${memory}/upper,workdir=${memory}/work`
    await mount(machine, '-t', 'overlay', 'overlay', '-o', layers)
    await mount(insideFile('dev'), '--bind', '/dev')
    await mount(insideFile('proc'), '--bind', '/proc')
    // This machine may have the package, too.
    await inside('rm', '-rf', '/etc/ocbroker', '/var/lib/ocbroker', '/usr/lib/ocbroker')
    await mount(insideFile('packages'), '--bind', folder.path)
  }, 300_000)

  afterAll(async () => {
    await mounted.disposeAsync()
    await folder.remove()
  })

  /** A package of a later version, whose thread for old hashes does not work together with that of this one. */
  async function buildNext(): Promise<string> {
    const next = folder.file('next')
    await run('dpkg-deb', '--raw-extract', file, next)
    await run('sed', '-i', 's/^Version: .*/Version: 99.0.0/', join(next, 'DEBIAN/control'))
    const thread = 'usr/lib/ocbroker/program/src/identity/local/imported-hashes/thread.js'
    writeFileSync(join(next, thread), "throw new Error('another version')\n")
    await run('dpkg-deb', '-Znone', '--build', next, folder.file('next.deb'))
    return 'next.deb'
  }

  const install = async (name: string) => {
    const { code, output } = await thisMachine.run('chroot', [machine, 'dpkg', '-i', `/packages/${name}`], {
      within: 120_000,
    })
    expect([code, output]).toEqual([0, expect.any(String)])
    return output
  }
  /** Starts the installed broker for one test. @returns how a user logs in there. */
  async function startBroker(): Promise<(user: string) => Promise<string>> {
    const config = '/etc/ocbroker/test.yaml'
    const sections = {
      radius: { auth_port: await freePort(), acct_port: await freePort() },
      gateways: [{ name: 'local', address: '127.0.0.1', secret: 'between-gateway-and-broker' }],
      second_factor: { required: false },
      policies: [{ name: 'everyone', reply: {} }],
    }
    writeFileSync(insideFile(config), JSON.stringify(sections))
    const words = ['--userspec=ocbroker', machine, 'ocbroker']
    const broker = thisMachine.start('chroot', [...words, 'serve', '--config', config])
    onTestFinished(() => broker.stop())
    await broker.waitForOutput(/"event":"broker\.listening"/, 30_000)
    return async (user) => {
      const ask = [...words, 'login', user, '--password-stdin', '--config', config]
      return (await thisMachine.run('chroot', ask, { input: `${PASSWORD}\n` })).output
    }
  }
  const name = () => file.slice(folder.path.length + 1)

  test('is small enough to download and to keep', async () => {
    expect(statSync(file).size).toBeLessThan(50 * MEBIBYTE)
    const size = Number(await run('dpkg-deb', '--field', file, 'Installed-Size')) / 1024
    expect(size).toBeLessThan(190)
    const list = await run('dpkg-deb', '--contents', file)
    const node = Number(
      /\s(\d+) \S+ \S+ \.\/usr\/lib\/ocbroker\/program\/node_modules\/\.bin\/node$/m.exec(list)?.[1],
    )
    expect(size - node / MEBIBYTE).toBeLessThan(20)
  })

  test('makes the account, the folders and the command', async () => {
    expect(await install(name())).toContain('ocbroker check')
    const owned = await inside('stat', '-c', '%U:%G %a', '/etc/ocbroker/broker.yaml', '/var/lib/ocbroker')
    expect(owned.stdout).toBe('root:ocbroker 640\nocbroker:ocbroker 700\n')
    const { output } = await inside('ocbroker', 'check')
    expect(output).toContain('/etc/ocbroker/broker.yaml is sound.')
    for (const path of ['man/man8/ocbroker.8.gz', 'bash-completion/completions/ocbroker'])
      expect(statSync(insideFile(`usr/share/${path}`)).size).toBeGreaterThan(1000)
  })

  test('has every package that the broker may load', async () => {
    const program = '/usr/lib/ocbroker/current'
    const { dependencies } = JSON.parse(readFileSync(insideFile(`${program}/package.json`), 'utf8')) as {
      readonly dependencies: Readonly<Record<string, string>>
    }
    const named = Object.keys(dependencies).filter(
      (each) => each !== 'node' && !each.startsWith('swagger-ui'),
    )
    const load = `${[...named, '@simplewebauthn/server/helpers'].map((each) => `await import('${each}')`).join('\n')}\n`
    writeFileSync(insideFile(`${program}/probe.mjs`), load)
    const { code, output } = await inside(`${program}/node_modules/.bin/node`, `${program}/probe.mjs`)
    expect([code, output]).toEqual([0, ''])
  })

  test('has a unit that systemd takes, and that leaves the broker little', async () => {
    const unit = insideFile('usr/lib/systemd/system/ocbroker.service')
    const { output } = await thisMachine.run('systemd-analyze', [
      'security',
      '--offline=true',
      '--threshold=20',
      unit,
    ])
    expect(output).toMatch(/Overall exposure level for ocbroker\.service: [01]\.\d/)
    const verified = await inside('systemd-analyze', 'verify', '--man=no', 'ocbroker.service')
    expect(verified.output.split('\n').filter((line) => line.includes('ocbroker'))).toEqual([])
  })

  test('keeps users, logins and the changed configuration over an upgrade, and the users over a removal', async () => {
    const added = await thisMachine.run(
      'chroot',
      ['--userspec=ocbroker', machine, 'ocbroker', 'user', 'add', 'alice', '--password-stdin'],
      { input: `${PASSWORD}\n` },
    )
    expect(added.output).toContain('alice')
    const hash = (await run('openssl', 'passwd', '-5', PASSWORD)).trim()
    writeFileSync(insideFile('root/ocpasswd'), `bob:*:${hash}\n`)
    // By root, and yet the service's.
    const imported = await inside('ocbroker', 'user', 'import', '/root/ocpasswd', '--format', 'ocpasswd')
    expect([imported.code, imported.output]).toEqual([0, expect.any(String)])
    await inside('sed', '-i', 's/#deadline: 5s/deadline: 4s/', '/etc/ocbroker/broker.yaml')
    const login = await startBroker()
    const upgrade = { isOver: false }
    const upgrading = buildNext()
      .then(install)
      .finally(() => {
        upgrade.isOver = true
      })
    do expect(await login('alice')).toContain('Access-Accept')
    while (!upgrade.isOver)
    await upgrading
    // It needs code that it has not loaded yet, of its own version.
    expect(await login('bob')).toContain('Access-Accept')
    expect(
      readdirSync(insideFile('usr/lib/ocbroker')).filter((name) => name.startsWith('run-')),
    ).toHaveLength(2)
    expect((await inside('ocbroker', 'user', 'list')).stdout).toContain('alice')
    expect(readFileSync(insideFile('etc/ocbroker/broker.yaml'), 'utf8')).toContain('  deadline: 4s')

    expect((await inside('dpkg', '--remove', 'ocbroker')).code).toBe(0)
    expect(existsSync(insideFile('usr/lib/ocbroker'))).toBe(false)
    expect(existsSync(insideFile('var/lib/ocbroker/broker.db'))).toBe(true)
    expect((await inside('dpkg', '--purge', 'ocbroker')).code).toBe(0)
    for (const path of ['etc/ocbroker', 'var/lib/ocbroker', 'etc/logrotate.d/ocbroker'])
      expect([path, existsSync(insideFile(path))]).toEqual([path, false])
  })
})

describeWith(['root', 'mount'], 'a temporary folder of the tests', () => {
  test('is removed without what is mounted in it', async () => {
    const folder = temporaryFolder('removed')
    writeFileSync(folder.file('own'), '')
    mkdirSync(folder.file('other'))
    await run('mount', '-t', 'tmpfs', 'tmpfs', folder.file('other'))
    writeFileSync(folder.file('other/theirs'), '')
    await folder.remove()
    expect(existsSync(folder.file('own'))).toBe(false)
    expect(existsSync(folder.file('other/theirs'))).toBe(true)
    await run('umount', folder.file('other'))
    rmdirSync(folder.file('other'))
    rmdirSync(folder.path)
  })
})
