import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { dirname, extname, join, resolve } from 'node:path'
import { bashCompletion } from './bash-completion.ts'
import { manPage } from './man-page.ts'

/**
 * Writes the broker as JavaScript, with all that it reads, into a folder that npm can pack. Node runs no TypeScript
 * within node_modules.
 *
 *     node deploy/build.ts [FOLDER]
 */

const ROOT = join(import.meta.dirname, '..')
/** What the broker reads beside its code, under the same paths as in the project. */
const FILES = ['openapi.yaml', 'locales', 'config/broker.yaml', 'LICENSE', 'README.md', 'CHANGELOG.md']
/** The name of another file of the code, in an import or in a URL. */
const OWN_FILE = /(['"])(\.{1,2}\/[^'"\n]+)\.ts\1/g

const folder = resolve(process.argv[2] ?? join(ROOT, 'dist'))
rmSync(folder, { recursive: true, force: true })
for (const path of FILES) cpSync(join(ROOT, path), join(folder, path), { recursive: true })
for (const path of readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }))
  if (extname(path) !== '') buildFile(join('src', path))
const launcher = join(folder, 'bin/ocbroker')
mkdirSync(dirname(launcher))
cpSync(join(ROOT, 'deploy/launcher.sh'), launcher)
chmodSync(launcher, 0o755)
writeText('man/ocbroker.8', await manPage())
writeText('completion/ocbroker.bash', await bashCompletion())
writePackage()

function buildFile(path: string): void {
  const source = join(ROOT, path)
  if (path.endsWith('.d.ts')) return
  if (extname(path) !== '.ts') {
    cpSync(source, join(folder, path))
    return
  }
  const target = join(folder, path.replace(/\.ts$/, '.js'))
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, withoutTypes(readFileSync(source, 'utf8')).replaceAll(OWN_FILE, '$1$2.js$1'))
}

/** Types become blanks, so that lines and columns of errors are those of the source. Those at the ends of lines go. */
function withoutTypes(code: string): string {
  const before = code.split('\n')
  return stripTypeScriptTypes(code)
    .split('\n')
    .map((line, index) => (before[index] === before[index]?.trimEnd() ? line.trimEnd() : line))
    .join('\n')
}

/** The package without what only development needs; the versions of all packages below it are those of the lock file. */
function writePackage(): void {
  const { scripts: _, devDependencies: __, private: ___, ...rest } = readJson('package.json')
  write('package.json', { ...rest, bin: { ocbroker: 'bin/ocbroker' }, man: ['man/ocbroker.8'] })
  write('npm-shrinkwrap.json', readJson('package-lock.json'))
}

function readJson(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(ROOT, path), 'utf8'))
}

function write(path: string, value: unknown): void {
  writeText(path, `${JSON.stringify(value, undefined, 2)}\n`)
}

function writeText(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}
