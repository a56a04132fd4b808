import { chmodSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readDictionary } from '../../src/doctor/gateway/dictionary-file.ts'
import { GatewayHost } from '../../src/doctor/gateway/gateway-host.ts'
import { isTrue, readOcservConf } from '../../src/doctor/gateway/ocserv-conf.ts'
import { checkRadcliFiles } from '../../src/doctor/gateway/radcli-files.ts'
import { readRadiusMethod } from '../../src/doctor/gateway/radius-method.ts'
import { readRadiusclientConf } from '../../src/doctor/gateway/radiusclient-conf.ts'
import { readServersFile, secretFor } from '../../src/doctor/gateway/servers-file.ts'
import { type TemporaryFolder, temporaryFolder } from '../real/folder.ts'

describe('ocserv.conf', () => {
  test('is read leniently, by virtual host', () => {
    const { main, vhosts } = readOcservConf(
      [
        '# auth = "pam"',
        '  auth = "radius[config=/a,groupconfig=true]"  ',
        'tcp-port = 443 # the usual',
        'max-clients=16',
        'select-group = one[First]',
        'select-group = two',
        'try-mtu-discovery = yes',
        '[vhost:www.example.com]',
        'auth = pam',
      ].join('\r\n'),
    )
    expect(main.all('auth')).toEqual(['radius[config=/a,groupconfig=true]'])
    expect([main.number('tcp-port'), main.number('max-clients'), main.number('mtu')]).toEqual([
      443,
      16,
      undefined,
    ])
    expect(main.all('select-group')).toEqual(['one[First]', 'two'])
    expect(main.isTrue('try-mtu-discovery')).toBe(true)
    expect(vhosts.map(({ vhost }) => vhost)).toEqual(['www.example.com'])
    expect(vhosts[0]?.last('auth')).toBe('pam')
  })

  test.each([
    ['true', true],
    [' yes ', true],
    ['1', false],
    ['on', false],
    [undefined, false],
  ])('%j is true: %j', (value, expected) => {
    expect(isTrue(value)).toBe(expected)
  })

  test.each([
    ['radius[config=/a/b,groupconfig=true,nas-identifier=gw]', ['/a/b', true, 'gw']],
    ['radius[config=/a, groupconfig = yes]', ['/a', true, undefined]],
    ['radius[groupconfig=1]', ['/etc/radcli/radiusclient.conf', false, undefined]],
    ['radius', ['/etc/radcli/radiusclient.conf', false, undefined]],
    ['plain[passwd=/radius]', undefined],
  ])('%s', (value, expected) => {
    const method = readRadiusMethod(value)
    expect(method && [method.config, method.groupConfig, method.nasIdentifier]).toEqual(expected)
  })
})

describe('radiusclient.conf', () => {
  const read = (text: string) => readRadiusclientConf(`${text}\n`)

  test('names servers by host, port and secret, with each word a server', () => {
    expect(read('authserver 192.0.2.1:1645,b [fd00::1]:1812 c::old # x').authServers).toEqual([
      { host: '192.0.2.1', port: 1645, line: 1 },
      { host: 'b', line: 1 },
      { host: 'fd00::1', port: 1812, line: 1 },
      { host: 'c', secret: 'old', line: 1 },
      { host: '#', line: 1 },
      { host: 'x', line: 1 },
    ])
  })

  test('names the key that was meant', () => {
    expect(read('nas_identifier gw').faults[0]?.remedy).toBe('write nas-identifier')
  })
})

describe('the servers file', () => {
  const addresses: Readonly<Record<string, readonly string[]>> = {
    broker: ['192.0.2.1', '::1'],
    '192.0.2.1': ['192.0.2.1'],
    '192.0.2.9': ['192.0.2.9'],
  }
  const taken = (text: string, server = '192.0.2.1') =>
    secretFor(text, server, async (host) => addresses[host] ?? [])

  test.each([
    ['the first line for the host', '192.0.2.9 x\n192.0.2.1 one\n192.0.2.1 two', 'one', false, 3],
    ['a line by name', 'broker one # text', 'one', false, undefined],
    ['a pair', 'broker/gateway one', 'one', false, undefined],
    ['the last line where none is for the host', '192.0.2.9 x\n192.0.2.9:1812 y\n', 'y', true, undefined],
  ])('gives %s', async (_what, text, secret, isGuessed, overridden) => {
    expect(await taken(text)).toMatchObject({ secret, isGuessed })
    expect((await taken(text))?.overridden).toBe(overridden)
  })

  test.each(['', '192.0.2.1:1812 x', '[192.0.2.1] x', '192.0.2.1', '#192.0.2.1 x'])(
    'gives none by %j',
    async (text) => {
      expect(await taken(text)).toBeUndefined()
    },
  )

  test('keeps quotes', () => {
    expect(readServersFile('a "b"')).toEqual([{ line: 1, host: 'a', secret: '"b"' }])
  })
})

describe('files beside it', () => {
  let folder: TemporaryFolder
  beforeEach(() => {
    folder = temporaryFolder('radcli')
  })
  afterEach(() => folder.remove())

  test('the dictionary with what it includes', async () => {
    writeFileSync(folder.file('one'), 'VENDOR A 9\n# $INCLUDE lost\n$INCLUDE two\n')
    writeFileSync(folder.file('two'), `VENDOR\tB\t311\tB\n$INCLUDE ${folder.file('one')}\n$INCLUDE gone\n`)
    const { vendors, faults } = await readDictionary(folder.file('one'))
    expect([...vendors]).toEqual([9, 311])
    expect(faults.map(({ file }) => file)).toEqual([folder.file('gone')])
  })

  test('secrets that others can read are a warning', async () => {
    const [conf, radcli, servers] = ['ocserv.conf', 'radiusclient.conf', 'servers'].map(folder.file)
    writeFileSync(String(conf), `auth = "radius[config=${radcli}]"\n`)
    writeFileSync(String(radcli), `servers ${servers}\n`)
    writeFileSync(String(servers), 'a secret\n')
    const look = () => {
      const options = {
        file: String(conf),
        expectation: undefined,
        askForStatus: async () => 'silent' as const,
      }
      return checkRadcliFiles(new GatewayHost(options))
    }
    chmodSync(String(servers), 0o600)
    expect(await look()).toMatchObject([{ verdict: 'ok' }])
    chmodSync(String(servers), 0o640)
    expect(await look()).toMatchObject([{ verdict: 'warning', remedy: `chmod 600 ${servers}` }])
  })
})
