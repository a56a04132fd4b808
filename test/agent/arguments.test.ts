import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Occtl } from '../../src/agent/occtl.ts'
import { readOrder } from '../../src/agent/order.ts'
import { Orders } from '../../src/agent/orders.ts'
import { reportOf } from '../../src/agent/report.ts'
import { FakeOcserv } from './fake-ocserv.ts'

/** Everything that occtl may ever be told. */
const ALLOWED = [
  /^(?:-j )?show (?:users|sessions valid)$/,
  /^-j show ip bans$/,
  /^--(?:help|version)$/,
  /^(?:disconnect|terminate) id [1-9][0-9]{0,9}$/,
  /^unban ip (?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9a-f:]+)$/,
]

const EVIL = [
  '-s',
  '--help',
  'all',
  '1 2',
  '-1',
  '0',
  '7; reload',
  '$(reboot)',
  '\n',
  '1\n2',
  'stop now',
  '::1%eth0',
]
const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(...EVIL),
  fc.tuple(fc.constantFrom(...EVIL), fc.nat().map(String)).map((parts) => parts.join(' ')),
  fc.ipV4(),
  fc.ipV6(),
  fc.nat().map(String),
)
const session = fc.record({
  id: fc.oneof(hostile, fc.nat().map(String)),
  session: hostile,
  user: hostile,
  address: hostile,
  ipv4: hostile,
})
const target = fc.oneof(
  fc.record({ session: hostile }),
  fc.record({ user: hostile }),
  fc.record({ address: hostile }),
)

test('no text of the broker or of a user becomes an argument of occtl', async () => {
  const canTerminate = fc.boolean()
  const listed = fc.array(session, { maxLength: 4 })
  const wanted = fc.array(fc.record({ kind: fc.constantFrom('end', 'unban', 'stop now'), target }), {
    maxLength: 4,
  })
  let changes = 0
  await fc.assert(
    fc.asyncProperty(
      listed,
      listed,
      fc.array(hostile),
      wanted,
      canTerminate,
      async (tunnels, cookies, bans, sent, can) => {
        const ocserv = Object.assign(new FakeOcserv(), { tunnels, cookies, bans, canTerminate: can })
        const occtl = new Occtl(ocserv.run)
        const orders = new Orders(occtl)
        // Half of the orders are about what is there.
        const meant = [
          ...tunnels.map(({ user }) => ({ kind: 'end', target: { user } })),
          ...bans.map((address) => ({ kind: 'unban', target: { address } })),
        ]
        for (const [index, order] of [...sent, ...meant].entries()) {
          const read = readOrder({ ...order, id: `o${index}` })
          if (read !== undefined) orders.take(read)
        }
        await orders.work()
        await orders.work()
        await reportOf(occtl, { version: '1', host: 'h' })
        changes += ocserv.changes().length
        for (const args of ocserv.calls) {
          const call = args.join(' ')
          expect(
            ALLOWED.filter((form) => form.test(call)),
            call,
          ).toHaveLength(1)
          expect(args.length, 'a word is an argument of its own').toBe(call.split(' ').length)
        }
      },
    ),
    { numRuns: 500 },
  )
  expect(changes, 'something was ended').toBeGreaterThan(100)
})

test('a number is the only way to end a session', async () => {
  const { run } = new FakeOcserv()
  const occtl = new Occtl(run)
  for (const id of ['', '-1', '1 2', '--help', '1\n', 'alice'])
    await expect(occtl.end({ id })).rejects.toThrow('number')
})

test('an address is written by our own formatter', async () => {
  const ocserv = new FakeOcserv()
  const occtl = new Occtl(ocserv.run)
  for (const address of [
    '2001:DB8:0:0::2',
    '::ffff:192.0.2.1',
    '192.0.2.1',
    '192.0.2.1 x',
    '::1%eth0',
    'all',
    '',
  ])
    await occtl.unban(address)
  expect(ocserv.changes()).toEqual(['unban ip 2001:db8::2', 'unban ip 192.0.2.1', 'unban ip 192.0.2.1'])
})
