import { writeFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { readRadiusclientConf } from '../../src/doctor/gateway/radiusclient-conf.ts'
import { temporaryFolder } from '../real/folder.ts'
import { freePort } from '../real/free-port.ts'
import { describeWith } from '../real/needs.ts'
import { outputOf, thisMachine } from '../real/process.ts'

const SOUND = [
  'authserver 127.0.0.1:1812',
  'acctserver 127.0.0.1:1813',
  'servers /etc/radcli/servers',
  'dictionary /etc/radcli/dictionary',
  'default_realm',
  'radius_timeout 6',
  'radius_retries 2',
  'bindaddr *',
  '',
].join('\n')

const CASES: readonly (readonly [what: string, text: string])[] = [
  ['a sound file', SOUND],
  ['a comment, an empty line and blanks after a value', `# text\n\n${SOUND}radius_deadtime 0  \n`],
  ['carriage returns', SOUND.replace('default_realm\n', '').replaceAll('\n', '\r\n')],
  ['a carriage return after a key', SOUND.replace('default_realm', 'default_realm\r')],
  ['no acctserver', SOUND.replace(/^acctserver .*\n/m, '')],
  ['no servers', SOUND.replace(/^servers .*\n/m, '')],
  ['a blank before a key', SOUND.replace('bindaddr', ' bindaddr')],
  ['a blank before a comment', ` # text\n${SOUND}`],
  ['a line of blanks', `${SOUND}   \n`],
  ['an unknown key', `${SOUND}nas_identifier gw\n`],
  ['no tries', SOUND.replace('radius_retries 2', 'radius_retries 0')],
  ['a time that is not a number', SOUND.replace('radius_timeout 6', 'radius_timeout x')],
  ['no time', SOUND.replace(/^radius_timeout .*\n/m, '')],
  ['no newline after a digit', `${SOUND}radius_retries 1`],
  ['no newline after two digits', `${SOUND}radius_retries 12`],
  ['no authserver', SOUND.replace(/^authserver .*\n/m, '')],
  ['no dictionary', SOUND.replace(/^dictionary .*\n/m, '')],
]

describeWith(['root', 'ocserv', 'certtool', '/etc/radcli/dictionary'], 'a real ocserv', () => {
  /** @returns whether it starts with this radiusclient.conf. */
  async function starts(text: string): Promise<boolean> {
    const folder = temporaryFolder('radcli')
    onTestFinished(folder.remove)
    const [key, certificate, radcli] = ['key.pem', 'cert.pem', 'radiusclient.conf'].map(folder.file)
    await outputOf(thisMachine, 'certtool', ['--generate-privkey', '--ecc', '--outfile', String(key)])
    writeFileSync(folder.file('template'), 'cn = gateway\nsigning_key\n')
    const signing = [
      '--generate-self-signed',
      '--load-privkey',
      String(key),
      '--template',
      folder.file('template'),
    ]
    await outputOf(thisMachine, 'certtool', [...signing, '--outfile', String(certificate)])
    writeFileSync(String(radcli), text)
    writeFileSync(
      folder.file('ocserv.conf'),
      [
        `auth = "radius[config=${radcli}]"`,
        `tcp-port = ${await freePort()}`,
        'run-as-user = nobody',
        'run-as-group = daemon',
        `socket-file = ${folder.file('socket')}`,
        `server-cert = ${certificate}`,
        `server-key = ${key}`,
        'isolate-workers = false',
        'device = vpns',
        'max-clients = 4',
        'max-same-clients = 2',
        'log-level = 3',
        'ipv4-network = 10.200.0.0',
        'ipv4-netmask = 255.255.255.0',
        `pid-file = ${folder.file('pid')}`,
        '',
      ].join('\n'),
    )
    const server = thisMachine.start('ocserv', ['-f', '-c', folder.file('ocserv.conf')])
    try {
      const [said] = await server.waitForOutput(/initialized ocserv|radius initialization error/)
      if (!said.startsWith('initialized')) return false
      // The part of it that asks RADIUS begins a moment later than the rest.
      return await server.waitForOutput(/radius initialization error/, 500).then(
        () => false,
        () => true,
      )
    } finally {
      await server.stop()
    }
  }

  test.concurrent.for(CASES)('starts with %s as the reader says', async ([, text], { expect: own }) => {
    const { faults } = readRadiusclientConf(text)
    own(await starts(text)).toBe(!faults.some(({ stops }) => stops))
  })

  test('is started by some and not by others', () => {
    const stopping = CASES.filter(([, text]) => readRadiusclientConf(text).faults.some(({ stops }) => stops))
    expect(stopping.length).toBeGreaterThan(5)
    expect(CASES.length - stopping.length).toBeGreaterThan(3)
  })
})
