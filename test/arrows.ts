import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Which folder of src may import which others. An adapter knows the domain and never another adapter; only the
 * composition root sees everything; only it and the command line see the configuration.
 */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  radius: [],
  config: ['domain'],
  identity: ['domain', 'radius'],
  store: ['domain'],
  limits: ['domain'],
  observe: ['domain'],
  login: ['domain'],
  accounting: ['domain'],
  doctor: ['domain'],
  transport: ['domain', 'radius', 'login'],
  workers: ['domain'],
  manage: ['domain', 'login'],
  http: ['domain', 'login', 'manage'],
  // The pages are a part of the HTTP server: they stand on its visits and guards.
  web: ['domain', 'login', 'manage', 'http'],
  'broker.ts': ['*'],
  'broker-http.ts': ['*'],
  'broker-login.ts': ['*'],
  'broker-storage.ts': ['*'],
  'broker-identity.ts': ['*'],
  'broker-passing.ts': ['*'],
  'broker-spool.ts': ['*'],
  cli: ['*'],
  'main.ts': ['cli'],
}

const source = fileURLToPath(new URL('../src/', import.meta.url))
const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s[^'"]*?from\s+['"](\.[^'"]+)['"]|import\(\s*['"](\.[^'"]+)['"]\s*\)|(?:^|\n)\s*import\s+['"](\.[^'"]+)['"]/g

const faults: string[] = []
for (const file of await readdir(source, { recursive: true })) {
  if (!file.endsWith('.ts') || file.endsWith('.d.ts')) continue
  const from = roomOf(file)
  const allowed = ARROWS[from]
  if (allowed === undefined) {
    faults.push(`src/${file}: the folder ${from} has no arrows in test/arrows.ts`)
    continue
  }
  const text = await readFile(join(source, file), 'utf8')
  for (const match of text.matchAll(IMPORT)) {
    const target = match[1] ?? match[2] ?? match[3] ?? ''
    const to = roomOf(relative(source, resolve(source, dirname(file), target)))
    if (to !== from && !allowed.includes('*') && !allowed.includes(to)) {
      faults.push(`src/${file} imports ${target}: ${from} must not know ${to}`)
    }
  }
}

for (const fault of faults) console.error(fault)
if (faults.length > 0) process.exit(1)

function roomOf(path: string): string {
  return path.split('/')[0] ?? path
}
