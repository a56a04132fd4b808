import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Installation, install } from '../real/broker.ts'
import { temporaryFolder } from '../real/folder.ts'
import { outputOf, thisMachine } from '../real/process.ts'

const ROOT = join(import.meta.dirname, '../..')
const folder = temporaryFolder('package')
let installation: Installation
/** The command as npm has installed it, in a folder with nothing else. */
let command: string

/** Without the project's programs: the machine's own node may be old, and the package has to bring its own. */
const environment = () => ({ PATH: '/usr/local/bin:/usr/bin:/bin', OCBROKER_CONFIG: installation.configFile })
const run = (...args: readonly string[]) => thisMachine.run(command, args, { env: environment() })

beforeAll(async () => {
  installation = await install({ sections: { second_factor: { required: false } } })
  const built = folder.file('built')
  const prefix = folder.file('prefix')
  await outputOf(thisMachine, process.execPath, [join(ROOT, 'deploy/build.ts'), built])
  const name = (await outputOf(thisMachine, 'npm', ['pack', '--silent'], { cwd: built })).trim()
  const options = ['--prefix', prefix, '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts']
  await thisMachine.run('npm', ['install', '--global', ...options, join(built, name)], { within: 120_000 })
  command = join(prefix, 'bin/ocbroker')
}, 180_000)

afterAll(async () => {
  await installation.remove()
  await folder.remove()
})

describe('the package', () => {
  test('holds JavaScript only, and all that the broker reads', () => {
    const files = readdirSync(folder.file('built'), { recursive: true, encoding: 'utf8' })
    expect(files.filter((file) => file.endsWith('.ts'))).toEqual([])
    const read = ['openapi.yaml', 'locales/en.json', 'config/broker.yaml', 'src/web/assets/style.css']
    expect(files).toEqual(expect.arrayContaining(read))
  })

  test('has a manual that troff takes, with every command and option', async () => {
    const page = folder.file('built/man/ocbroker.8')
    const { stdout, stderr } = await thisMachine.run('man', ['--warnings', '--local-file', page], {
      env: { MANWIDTH: '200', LC_ALL: 'C.UTF-8' },
    })
    expect(stderr).toBe('')
    for (const words of [
      'user import [options] <path>',
      '--passphrase-file <file>',
      '/etc/ocbroker/broker.yaml',
    ])
      expect(stdout).toContain(words)
    expect(stdout.replace(/\s+/g, ' ')).toMatch(
      /--format <format> csv: .* One of csv, ocpasswd, htpasswd, oath,/,
    )
  })

  test.each([
    ['lock', 'lockout'],
    ['user im', 'import'],
    ['user import --for', '--format'],
    ['user import --format h', 'htpasswd'],
    ['storage copy --rep', '--replace'],
    ['restore /etc/hostn', '/etc/hostname'],
    ['serve --config /etc/hostn', '/etc/hostname'],
    ['user add --group x', ''],
  ])('completes "ocbroker %s" in bash', async (typed, completed) => {
    const script = `
      source ${folder.file('built/completion/ocbroker.bash')}
      COMP_WORDS=(ocbroker ${typed}) COMP_CWORD=${typed.split(' ').length}
      _ocbroker
      echo "\${COMPREPLY[*]}"`
    expect((await thisMachine.run('bash', ['-c', script])).output).toBe(`${completed}\n`)
  })

  test('runs where it was installed, by the Node that it brought', async () => {
    expect(existsSync(command)).toBe(true)
    const { stdout } = await run('--version')
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect((await run('check')).output).toContain(`${installation.configFile} is sound.`)
  })

  test('speaks the language of the environment', async () => {
    const env = { ...environment(), LC_ALL: 'zh_CN.UTF-8' }
    const { stdout } = await thisMachine.run(command, ['user', 'add', '--help'], { env })
    expect(stdout).toMatch(/^用法: ocbroker user add \[选项\] <name>\n\n添加用户/)
  })

  test('lets a user in', async () => {
    await thisMachine.run(command, ['user', 'add', 'alice', '--password-stdin'], {
      env: environment(),
      input: 'a long enough password 7\n',
    })
    const broker = thisMachine.start(command, ['serve'], { env: environment() })
    try {
      await broker.waitForOutput(/"event":"broker\.listening"/, 30_000)
      const { output } = await thisMachine.run(command, ['login', 'alice', '--password-stdin'], {
        env: environment(),
        input: 'a long enough password 7\n',
      })
      expect(output).toContain('Access-Accept')
    } finally {
      await broker.stop()
    }
  })
})
