import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative, resolve } from 'node:path'

/**
 * Builds a Debian package with its own Node.
 *
 *     node deploy/deb.ts [FOLDER]
 */

const ROOT = join(import.meta.dirname, '..')
const ARCHITECTURE = { x64: 'amd64', arm64: 'arm64' }[process.arch as string]
/** What packages carry for those who develop with them. */
const UNUSED =
  /\.(map|md|markdown|[cm]?ts|test\.[cm]?js)$|^(tests?|examples?|docs|umd|es2015|esm2015|esm5|esnext|\..+)$/
/** Parts of packages that the broker does not load. */
const UNUSED_PARTS = [
  '@peculiar/x509/build/x509.es.js',
  '@peculiar/x509/build/x509.js',
  '@simplewebauthn/server/script',
  '@types',
  '@zxcvbn-ts/language-common/dist/adjacencyGraphs.json.mjs',
  '@zxcvbn-ts/language-common/dist/diceware.json.mjs',
  '@zxcvbn-ts/language-common/dist/passwords.json.mjs',
  '@zxcvbn-ts/language-common/dist/zxcvbn-ts.js',
  '@zxcvbn-ts/language-common/src',
  'argparse',
  'asn1js/build/index.es.js',
  'js-yaml/dist',
  'kysely/dist/cjs',
  'nodemailer/dist/cjs',
  'reflect-metadata/ReflectLite.js',
  'reflect-metadata/ReflectNoConflict.js',
  'swagger-ui-dist/swagger-ui.js',
  'swagger-ui-dist/swagger-ui-es-bundle.js',
  'swagger-ui-dist/swagger-ui-es-bundle-core.js',
  'swagger-ui-dist/swagger-ui-standalone-preset.js',
  'yaml/browser',
  'zod/src',
  'zod/v3',
  'zod/v4/mini',
]

const folder = resolve(process.argv[2] ?? ROOT)
const stage = mkdtempSync(join(tmpdir(), 'ocbroker-deb-'))
const staged = (path: string) => join(stage, path)
/** Which postinst links into the folder that runs. */
const PROGRAM = 'usr/lib/ocbroker/program'
const { version, description, license } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
try {
  if (ARCHITECTURE === undefined) throw new Error(`no Debian package is built on ${process.arch}`)
  stageProgram()
  stageFiles()
  stageControl()
  const file = join(folder, `ocbroker_${version}_${ARCHITECTURE}.deb`)
  run('dpkg-deb', '--root-owner-group', '-Zxz', '-z1', '--build', stage, file)
  console.log(file)
} finally {
  rmSync(stage, { recursive: true })
}

function stageProgram(): void {
  const program = staged(PROGRAM)
  run(process.execPath, '--disable-warning=ExperimentalWarning', join(ROOT, 'deploy/build.ts'), program)
  rmSync(join(program, 'npm-shrinkwrap.json'))
  const installed = run('npm', 'ls', '--all', '--omit=dev', '--parseable').trim().split('\n').slice(1)
  for (const path of installed) {
    const target = join(program, relative(ROOT, path))
    cpSync(path, target, { recursive: true, filter: (from) => from === path || !isUnused(from) })
  }
  for (const part of UNUSED_PARTS)
    rmSync(join(program, 'node_modules', part), { recursive: true, force: true })
  const node = join(program, 'node_modules/.bin/node')
  mkdirSync(dirname(node))
  cpSync(process.execPath, node)
  // Symbols for debuggers are a fifth of it.
  if (existsSync('/usr/bin/strip')) run('strip', node)
  for (const name of readdirSync(join(program, 'node_modules')))
    if (name.startsWith('node-')) rmSync(join(program, 'node_modules', name), { recursive: true })
}

/** Packages within a package are copied by their own names. */
function isUnused(path: string): boolean {
  return basename(path) === 'node_modules' || UNUSED.test(basename(path))
}

function stageFiles(): void {
  link('usr/bin/ocbroker', '../lib/ocbroker/current/bin/ocbroker')
  move(`${PROGRAM}/man/ocbroker.8`, 'usr/share/man/man8/ocbroker.8')
  run('gzip', '-9n', staged('usr/share/man/man8/ocbroker.8'))
  move(`${PROGRAM}/completion/ocbroker.bash`, 'usr/share/bash-completion/completions/ocbroker')
  copy('ocbroker.service', 'usr/lib/systemd/system/ocbroker.service')
  copy('logrotate', 'etc/logrotate.d/ocbroker')
  const shipped = readFileSync(join(ROOT, 'config/broker.yaml'), 'utf8')
  write('etc/ocbroker/broker.yaml', shipped.replaceAll('../data/', '/var/lib/ocbroker/'))
  write('usr/share/doc/ocbroker/copyright', `${readFileSync(join(ROOT, 'LICENSE'), 'utf8')}`)
}

function stageControl(): void {
  const size = run('du', '-sk', '--apparent-size', stage).split('\t')[0]
  const control = {
    Package: 'ocbroker',
    Version: version,
    Architecture: ARCHITECTURE,
    Maintainer: 'ocbroker <root@localhost>',
    'Installed-Size': size,
    Depends: 'adduser, libc6, libstdc++6, libgcc-s1',
    Section: 'net',
    Priority: 'optional',
    Description: `authentication broker for ocserv\n ${description}\n .\n License: ${license}`,
  }
  write(
    'DEBIAN/control',
    `${Object.entries(control)
      .map(([key, value]) => `${key}: ${value}`)
      .join('\n')}\n`,
  )
  write('DEBIAN/conffiles', '/etc/ocbroker/broker.yaml\n/etc/logrotate.d/ocbroker\n')
  for (const script of ['postinst', 'prerm', 'postrm']) {
    copy(script, `DEBIAN/${script}`)
    chmodSync(staged(`DEBIAN/${script}`), 0o755)
  }
}

function copy(name: string, path: string): void {
  write(path, readFileSync(join(ROOT, 'deploy/debian', name), 'utf8'))
}

function write(path: string, text: string): void {
  mkdirSync(dirname(staged(path)), { recursive: true })
  writeFileSync(staged(path), text, { mode: 0o644 })
}

/** And the folder that is empty then. */
function move(from: string, to: string): void {
  mkdirSync(dirname(staged(to)), { recursive: true })
  renameSync(staged(from), staged(to))
  rmdirSync(dirname(staged(from)))
}

function link(path: string, target: string): void {
  mkdirSync(dirname(staged(path)), { recursive: true })
  symlinkSync(target, staged(path))
}

function run(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, { cwd: ROOT, encoding: 'utf8' })
}
