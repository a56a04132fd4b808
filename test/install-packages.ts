import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { guard } from './real/guard.ts'

/** Without recommendations: the tests start every server themselves, with a configuration of their own. */
const INSTALL = ['apt-get', 'install', '--yes', '--no-install-recommends']
const PATIENCE = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3']
/** What Debian's maintainer scripts ask before they start a service; exit code 101 says no. */
const SERVICE_POLICY = '/usr/sbin/policy-rc.d'

/** The command by which a person installs the packages. */
export function installCommand(packages: readonly string[]): string {
  return ['sudo', ...INSTALL, ...packages].join(' ')
}

/** True where `installPackages` can do its work. */
export function canInstallPackages(): boolean {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get')
}

/** Installs Debian packages without starting the services in them; prints what it does. */
export async function installPackages(packages: readonly string[]): Promise<void> {
  console.log(`Installing the Debian packages that the tests need: ${packages.join(' ')}`)
  const start = performance.now()
  const allowServices = forbidServices()
  try {
    const [program = '', ...install] = INSTALL
    const done =
      (await runQuietly(program, ['update', ...PATIENCE])) &&
      (await runQuietly(program, [...install, ...PATIENCE, ...packages]))
    const seconds = Math.round((performance.now() - start) / 1000)
    console.log(done ? `Installed in ${seconds} s.` : 'The Debian packages could not be installed.')
  } finally {
    await allowServices()
  }
}

function forbidServices(): () => Promise<void> {
  if (existsSync(SERVICE_POLICY)) return async () => {}
  const allow = guard('rm -f "$1"', SERVICE_POLICY)
  writeFileSync(SERVICE_POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755, flag: 'wx' })
  return allow
}

/** Shows the program's output only where it fails. */
async function runQuietly(program: string, args: readonly string[]): Promise<boolean> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
  }
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) console.error(`${program} ${args.join(' ')} ended with ${code}:\n${output}`)
  return code === 0
}
