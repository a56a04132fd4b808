import { writeFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { encodeAttribute } from '../../src/radius/dictionary.ts'
import { startBroker } from '../real/broker.ts'
import { type TemporaryFolder, temporaryFolder } from '../real/folder.ts'
import { describeWith } from '../real/needs.ts'
import { outputOf, type Place, thisMachine } from '../real/process.ts'
import { installed } from '../real/programs.ts'
import { accountingRequest, ask } from '../real/radius-socket.ts'

/** Covers the system's own answers up, and a name server that is not there answers nothing else. */
const APART_FROM_THE_MACHINE = `
set -e
mount --bind "$1" /etc/hosts
mount --bind "$2" "$(readlink -f /etc/resolv.conf)"
shift 2
exec "$@"
`

/** A machine whose /etc/hosts is a file of the test, which the system's resolver reads. */
function machineOf(folder: TemporaryFolder): { place: Place; hosts: string; know: (lines: string) => void } {
  const [hosts, resolvConf] = [folder.file('hosts'), folder.file('resolv.conf')]
  const know = (lines: string) => writeFileSync(hosts, `127.0.0.1 localhost\n${lines}\n`)
  know('')
  writeFileSync(resolvConf, 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n')
  const inside = (program: string, args: readonly string[]) => [
    '--mount',
    'sh',
    '-c',
    APART_FROM_THE_MACHINE,
    'sh',
    hosts,
    resolvConf,
    installed(program),
    ...args,
  ]
  return {
    hosts,
    know,
    place: {
      start: (program, args, options) => thisMachine.start('unshare', inside(program, args), options),
      run: (program, args, options) => thisMachine.run('unshare', inside(program, args), options),
    },
  }
}

function machine() {
  const folder = temporaryFolder('hosts')
  onTestFinished(folder.remove)
  return machineOf(folder)
}

describeWith(['root', 'unshare', 'mount'], 'the name of a gateway, asked of the system', () => {
  test('is found by a running broker as soon as the system knows it', async () => {
    const { place, know } = machine()
    const broker = await startBroker({
      place,
      sections: {
        gateways: [{ name: 'gw', address: 'gw.example.test', secret: 'between-gateway-and-broker' }],
      },
    })
    onTestFinished(broker.stop)
    const { acctPort, secret } = broker
    const on = () =>
      ask(acctPort, accountingRequest(secret, [encodeAttribute('Acct-Status-Type', 'Accounting-On')]), {
        tries: 1,
      })
    expect(await on()).toBeUndefined()
    await broker.logUntil('gateway.name_not_found', { name: 'gw.example.test' })
    know('127.0.0.1 gw.example.test')
    await broker.logUntil('gateway.addresses', { name: 'gw.example.test' })
    expect(await on()).toMatchObject({ code: 'Accounting-Response' })
  })

  test('leads where the system says after each minute, and where it led before while the system says nothing', async () => {
    const { place, hosts, know } = machine()
    know('192.0.2.1 gw.example.test')
    const script = `
      import { writeFileSync } from 'node:fs'
      import { GatewayNames } from '${import.meta.dirname}/../../src/transport/gateway-names.ts'
      let now = 0
      const silent = () => undefined
      const log = { debug: silent, info: silent, warn: silent, error: silent }
      const names = new GatewayNames({ clock: { now: () => now, monotonic: () => now }, log })
      await names.add(['gw.example.test'])
      const seen = [names.addressesOf('gw.example.test')]
      for (const lines of ['192.0.2.9 gw.example.test\\n2001:db8::9 gw.example.test\\n', '', '192.0.2.7 gw.example.test\\n']) {
        writeFileSync('${hosts}', lines)
        now += 60_000
        await names.lookUpDue()
        seen.push(names.addressesOf('gw.example.test'))
      }
      names.close()
      console.log(JSON.stringify(seen))
    `
    const said = await outputOf(place, process.execPath, ['--input-type=module', '--eval', script])
    const moved = ['192.0.2.9', '2001:db8::9']
    expect(JSON.parse(said)).toEqual([['192.0.2.1'], moved, moved, ['192.0.2.7']])
  })
})
