import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Installation, install } from '../real/broker.ts'
import { describeWith } from '../real/needs.ts'
import { thisMachine } from '../real/process.ts'

interface Printed {
  readonly files: Readonly<Record<string, readonly string[]>>
  readonly agent?: {
    readonly commands: readonly string[]
    readonly files: Readonly<Record<string, readonly string[]>>
  }
}

let installation: Installation
const configured = async (...more: string[]) =>
  (await installation.ocbroker(['ocserv-config', 'gw', ...more])) as Printed

beforeAll(async () => {
  installation = await install({ sections: { http: { port: 8443, tls: undefined } } })
})

afterAll(() => installation.remove())

test('prints what ocserv and the agent beside it need', async () => {
  const { files, agent } = await configured('--server', '192.0.2.1')
  expect(files['/etc/ocserv/ocserv.conf']).toEqual(
    expect.arrayContaining(['use-occtl = true', 'occtl-socket-file = /run/occtl.socket']),
  )
  // The project's own command, for this configuration.
  expect(agent?.commands[0]).toBe(
    `npx ocbroker token create --config ${installation.configFile} --name agent-gw --scope gateway:gw --expires never`,
  )
  expect(agent?.files['/etc/systemd/system/ocbroker-agent-occtl.socket']).toEqual(
    expect.arrayContaining(['SocketGroup=ocbroker-agent', 'SocketMode=0660']),
  )
  expect(agent?.files['/etc/systemd/system/ocbroker-agent.service']).toEqual(
    expect.arrayContaining([
      'User=ocbroker-agent',
      'CapabilityBoundingSet=',
      'NoNewPrivileges=yes',
      'ProtectSystem=strict',
      'Environment=OCBROKER_AGENT_BROKER=https://192.0.2.1:8443',
      'Environment=OCBROKER_AGENT_GATEWAY=gw',
    ]),
  )
  const { stdout } = await installation.run(['ocserv-config', 'gw'])
  expect(stdout).toContain('Environment=OCBROKER_AGENT_BROKER=http://127.0.0.1:8443')
  for (const file of Object.keys(agent?.files ?? {})) expect(stdout).toContain(`\n# ==> ${file} <==\n`)
})

test('lets radcli ask by RadSec where the gateway has a certificate', async () => {
  installation.configure({
    radius: { tls: { port: 2083, cert_file: 'c.pem', key_file: 'k.pem', ca_file: 'a.pem' } },
    gateways: [{ name: 'gw', certificate: 'gw.example.net' }],
  })
  const { files } = await configured('--server', 'broker.example.net')
  expect(files['/etc/radcli/radiusclient.conf']).toEqual(
    expect.arrayContaining([
      'authserver broker.example.net:2083',
      'acctserver broker.example.net:2083',
      'serv-type tls',
      'tls-ca-file /etc/radcli/broker-ca.pem',
    ]),
  )
  expect(files['/etc/radcli/servers']).toContain('broker.example.net radsec')
  installation.configure({ http: { port: 8443, tls: undefined } })
})

test('writes whole files once, and the secret where only root reads it', async () => {
  const folder = installation.folder.file('written')
  const { stdout } = await installation.run(['ocserv-config', 'gw', '--write', folder])
  expect(stdout).toContain(`${folder}/etc/ocserv/ocserv.conf\n`)
  expect(stdout).toContain(
    'ocbroker doctor --gateway /etc/ocserv/ocserv.conf --expect /etc/ocbroker/gateway.json',
  )
  for (const name of ['radcli/servers', 'ocbroker/gateway.json'])
    expect(statSync(join(folder, 'etc', name)).mode & 0o777).toBe(0o600)
  expect(readFileSync(join(folder, 'etc/radcli/servers'), 'utf8')).toContain(
    `127.0.0.1 ${installation.secret}\n`,
  )
  expect((await installation.run(['ocserv-config', 'gw'])).stdout).not.toContain(installation.secret)
  rmSync(join(folder, 'etc/ocserv'), { recursive: true })
  const again = await installation.run(['ocserv-config', 'gw', '--write', folder])
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('Nothing was written')])
  expect(existsSync(join(folder, 'etc/ocserv'))).toBe(false)
})

test('takes the address of the portal, and says that agents need HTTP', async () => {
  installation.configure({ http: {}, portal: { public_url: 'https://login.example.org' } })
  const { agent } = await configured()
  expect(agent?.files['/etc/systemd/system/ocbroker-agent.service']).toContain(
    'Environment=OCBROKER_AGENT_BROKER=https://login.example.org',
  )
  installation.configure({})
  expect((await configured()).agent).toBeUndefined()
  const { stdout } = await installation.run(['ocserv-config', 'gw'])
  expect(stdout).toContain('# Without http in its configuration the broker has no agents')
  installation.configure({ http: { port: 8443 } })
})

describeWith(['systemd-analyze', '/usr/lib/systemd/systemd-socket-proxyd'], 'the units of the agent', () => {
  /** The units in a folder, with a program of this project in place of the one that a package installs. */
  async function written(): Promise<readonly string[]> {
    const { agent } = await configured('--server', '192.0.2.1')
    const folder = installation.folder.file('units')
    mkdirSync(folder, { recursive: true })
    const units = Object.entries(agent?.files ?? {}).filter(([file]) => file.includes('/systemd/system/'))
    expect(units).toHaveLength(3)
    return units.map(([file, lines]) => {
      const unit = join(folder, basename(file))
      writeFileSync(unit, `${lines.join('\n').replaceAll('/usr/bin/ocbroker', process.execPath)}\n`)
      return unit
    })
  }

  test('are right for systemd', async () => {
    const { code, output } = await thisMachine.run('systemd-analyze', [
      ...['verify', '--man=no', '--recursive-errors=one'],
      ...(await written()),
    ])
    // Units of this machine that they depend on are read, too.
    expect(output.split('\n').filter((line) => line.includes('ocbroker'))).toEqual([])
    expect(code).toBe(0)
  })

  test('leave little to an intruder', async () => {
    for (const unit of (await written()).filter((file) => file.endsWith('.service'))) {
      const words = ['security', '--offline=true', '--no-pager', '--threshold=25', unit]
      const { code, output } = await thisMachine.run('systemd-analyze', words)
      expect(code, output).toBe(0)
    }
  })
})
