import { cpSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type Broker, startBroker } from '../real/broker.ts'
import { type TemporaryFolder, temporaryFolder } from '../real/folder.ts'
import { describeWith, TUNNEL_NEEDS } from '../real/needs.ts'
import { type Lab, startLab } from '../real/netns.ts'
import { makeCertificate, pinOf } from '../real/ocserv.ts'
import { openconnect } from '../real/openconnect.ts'
import { addPeople } from '../real/people.ts'
import type { RealProcess } from '../real/process.ts'

const SECRET = 'between-gateway-and-broker'
const PASSWORD = 'correct horse'
/** Puts the folders over those of the machine, for what it runs alone. */
const WITH_THESE_FILES = `
set -e
mount -t tmpfs tmpfs /run
mount --bind "$1/etc/ocserv" /etc/ocserv
mount --bind "$1/etc/radcli" /etc/radcli
shift
exec "$@"
`

describeWith(
  [...TUNNEL_NEEDS, '/etc/radcli/dictionary', 'nsenter'],
  'the files that ocserv-config writes',
  () => {
    const resources = new AsyncDisposableStack()
    let lab: Lab
    let broker: Broker
    let folder: TemporaryFolder
    let ocserv: RealProcess

    beforeAll(async () => {
      lab = await startLab()
      resources.defer(lab.stop)
      broker = await startBroker({
        place: lab.server,
        sections: {
          radius: { address: '::1', deadline: '1s' },
          gateways: [{ name: 'gw', address: '::1', secret: SECRET, nas_identifier: 'vpn1' }],
          second_factor: { required: false },
          pools: { staff: { ipv4: '10.254.0.0/26' } },
          policies: [
            {
              name: 'staff',
              reply: { pool: 'staff', routes: ['10.0.0.0/8'], dns: ['10.0.0.53'], groups: ['staff'] },
            },
          ],
        },
      })
      resources.defer(broker.stop)
      folder = temporaryFolder('gateway')
      resources.defer(folder.remove)
      // Nobody answers at the first.
      const servers = ['--server', '127.0.0.1', '--server', '[::1]']
      await broker.ocbroker(['ocserv-config', 'gw', '--write', folder.path, ...servers])
      const radcli = folder.file('etc/radcli')
      cpSync('/etc/radcli', radcli, { recursive: true, force: false })
      await makeCertificate(at)
      const words = [
        '-c',
        WITH_THESE_FILES,
        'sh',
        folder.path,
        'ocserv',
        '-f',
        '-c',
        '/etc/ocserv/ocserv.conf',
      ]
      ocserv = lab.server.start('sh', words)
      resources.defer(() => ocserv.stop())
      await ocserv.waitForOutput(/listening \(UDP\)/)
    })
    afterAll(() => resources.disposeAsync())

    /** The names of the tests for a certificate, in the place that ocserv.conf names. */
    const at = {
      file: (name: string) =>
        join(
          folder.path,
          'etc/ocserv',
          name.replace('certificate.pem', 'server-cert.pem').replace(/^key/, 'server-key'),
        ),
    }

    test('let ocserv start as they are, and a user in by the second broker, over IPv6', async () => {
      await addPeople(broker, [{ name: 'alice', password: PASSWORD, enrolled: false }])
      const login = { place: lab.client, gateway: `${lab.server.address}:443`, pin: pinOf(at) }
      const client = await openconnect({
        ...login,
        user: 'alice',
        authgroup: 'staff',
        answers: [PASSWORD],
        within: 60_000,
      })
      onTestFinished(client.disconnect)
      expect(client.connected, client.seen() + ocserv.output()).toBe(true)
      expect(await client.tunAddress()).toMatch(/^10\.254\.0\./)
      expect(client.pushedEnvironment()).toMatchObject({
        INTERNAL_IP4_DNS: '10.0.0.53',
        CISCO_SPLIT_INC: '1',
      })
      expect(await client.routes()).toContain('10.0.0.0/8')
    })

    test('keep the secret from others, and say what they replace', () => {
      const servers = folder.file('etc/radcli/servers')
      expect(statSync(servers).mode & 0o777).toBe(0o600)
      expect(readFileSync(servers, 'utf8')).toMatch(
        new RegExp(`^127\\.0\\.0\\.1 ${SECRET}\n::1 ${SECRET}\n$`, 'm'),
      )
      const conf = readFileSync(folder.file('etc/radcli/radiusclient.conf'), 'utf8')
      expect(conf).toContain(`\nauthserver 127.0.0.1:${broker.authPort} [::1]:${broker.authPort}\n`)
      expect(conf).toMatch(/^nas-identifier vpn1$/m)
      expect(conf).toMatch(/^# .* Replaces \/etc\/radcli\/radiusclient\.conf\./)
    })
  },
)
