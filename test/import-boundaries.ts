import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Which folders of src each folder may import from. An adapter imports the domain, never another adapter; app
 * connects them all, and cli starts app and works on what it opens; only these two see the configuration.
 */
const ALLOWED_IMPORTS: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  radius: [],
  rpc: ['domain'],
  pacing: ['domain'],
  redis: ['domain'],
  // Files of certificates, for the servers of http and transport.
  tls: ['domain'],
  // What the configuration and the identity providers both need to describe settings.
  schema: ['domain'],
  config: ['domain', 'schema'],
  identity: ['domain', 'radius', 'rpc', 'pacing', 'schema'],
  store: ['domain', 'rpc'],
  limits: ['domain', 'pacing', 'redis'],
  ephemeral: ['domain', 'redis'],
  cluster: ['domain', 'rpc', 'limits', 'ephemeral', 'redis'],
  // '..': the texts in locales/.
  i18n: ['domain', '..'],
  observe: ['domain', 'pacing'],
  login: ['domain', 'pacing'],
  accounting: ['domain', 'pacing'],
  'single-sign-on': ['domain'],
  doctor: ['domain'],
  backup: ['domain'],
  // Runs on a gateway, without the broker.
  agent: ['domain'],
  transport: ['domain', 'i18n', 'radius', 'login', 'rpc', 'pacing', 'tls'],
  manage: ['domain', 'login', 'pacing'],
  mail: ['domain', 'i18n', 'login', 'manage'],
  http: ['domain', 'login', 'manage', 'pacing', 'tls'],
  // The pages are part of the HTTP server: they use its browser sessions and its guards.
  web: ['domain', 'i18n', 'login', 'manage', 'http'],
  // '..': the version of the program.
  app: [
    '..',
    'domain',
    'radius',
    'rpc',
    'pacing',
    'redis',
    'schema',
    'config',
    'identity',
    'store',
    'limits',
    'ephemeral',
    'cluster',
    'i18n',
    'observe',
    'login',
    'accounting',
    'single-sign-on',
    'doctor',
    'transport',
    'manage',
    'mail',
    'http',
    'web',
  ],
  cli: ['*'],
  'main.ts': ['cli', 'app'],
}

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s[^'"]*?from\s+['"](\.[^'"]+)['"]|import\(\s*['"](\.[^'"]+)['"]\s*\)|(?:^|\n)\s*import\s+['"](\.[^'"]+)['"]/g

/** @param source the folder src. @returns one line for each forbidden import, and for each folder without a row. */
export async function forbiddenImports(source: string, rules = ALLOWED_IMPORTS): Promise<readonly string[]> {
  const errors: string[] = []
  for (const file of await readdir(source, { recursive: true })) {
    if (!file.endsWith('.ts') || file.endsWith('.d.ts')) continue
    const from = folderOf(file)
    const allowed = rules[from]
    if (allowed === undefined) {
      errors.push(`src/${file}: add a row for the folder ${from} to test/import-boundaries.ts`)
      continue
    }
    const text = await readFile(join(source, file), 'utf8')
    for (const match of text.matchAll(IMPORT)) {
      const target = match[1] ?? match[2] ?? match[3] ?? ''
      const to = folderOf(relative(source, resolve(source, dirname(file), target)))
      if (to !== from && !allowed.includes('*') && !allowed.includes(to))
        errors.push(`src/${file} imports ${target}: files in ${from} must not import from ${to}`)
    }
  }
  return errors
}

function folderOf(path: string): string {
  return path.split('/')[0] ?? path
}

if (import.meta.main) {
  const errors = await forbiddenImports(fileURLToPath(new URL('../src/', import.meta.url)))
  for (const error of errors) console.error(error)
  if (errors.length > 0) process.exit(1)
}
