import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { agentGatewaysOf } from '../app/agent-gateways.ts'
import type { Records } from '../app/records.ts'
import { systemClock } from '../domain/clock.ts'
import { OperatorError } from '../domain/errors.ts'
import { parsePlace } from '../domain/network.ts'
import { systemRandom } from '../domain/random.ts'
import type { SessionOrder } from '../domain/session-order.ts'
import { type EndAnswer, Ending, type EndWanted } from '../manage/ending.ts'
import { type CommonOptions, command, readable, withRecords } from './command.ts'
import { operator } from './operator.ts'
import { print } from './output.ts'

interface Options extends CommonOptions {
  readonly user?: string
  readonly address?: string
  readonly reason: string
  readonly wait?: boolean
}

const RECORD_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** How long `--wait` waits for the gateways, and between two looks, in milliseconds. */
const PATIENCE_MS = 30_000
const LOOK_MS = 300

export function sessionEndCommand(): Command {
  return command('end', 'end VPN sessions at their gateways: one, or all of a user or an address')
    .argument('[id]', 'of the session, as session list --json shows it, or its Acct-Session-Id')
    .option('--user <name>', 'all sessions of the user')
    .option(
      '--address <address>',
      "all sessions from the user's own address, or with this address of the VPN",
    )
    .requiredOption('--reason <text>', 'why, for the audit trail')
    .option('--wait', 'wait for what comes of it, up to 30 seconds')
    .action(endSessions)
}

async function endSessions(id: string | undefined, options: Options): Promise<void> {
  const wanted = wantedOf(id, options)
  const reason = readable('--reason', options.reason)
  await withRecords(options, async ({ records }, config) => {
    const ending = new Ending({
      ...records,
      gateways: agentGatewaysOf(config),
      clock: systemClock,
      random: systemRandom,
    })
    const answer = await ending.end(wanted, { actor: operator(), reason })
    if (answer.kind !== 'ordered') throw new OperatorError('there is no such session, or it has ended')
    const orders = await ordersOf(answer, options.wait === true, records)
    print(options.json, { orders, unreached: answer.unreached }, () => [
      ...orders.map(lineOf),
      ...answer.unreached.map(({ detail }) => detail),
    ])
    const isDone = orders.every(({ outcome }) => outcome === 'done' || outcome === 'absent')
    if (options.wait === true && !isDone) throw new OperatorError('not every session was ended')
  })
}

function wantedOf(id: string | undefined, { user, address }: Options): EndWanted {
  if ([id, user, address].filter((each) => each !== undefined).length !== 1)
    throw new OperatorError('name one: the identifier of a session, --user or --address')
  if (user !== undefined) return { user }
  if (id !== undefined) return RECORD_ID.test(id) ? { id } : { session: id }
  const place = parsePlace(address ?? '')
  if (place === undefined) throw new OperatorError(`--address: "${address}" is no IP address`)
  return { address: place }
}

async function ordersOf(
  { orders: ids }: Extract<EndAnswer, { readonly kind: 'ordered' }>,
  waits: boolean,
  { orders }: Records['records'],
): Promise<readonly SessionOrder[]> {
  const until = systemClock.monotonic() + PATIENCE_MS
  for (;;) {
    const found = await orders.list({ ids, limit: ids.length })
    const isOpen = found.some(({ doneAt }) => doneAt === undefined)
    if (!waits || !isOpen || systemClock.monotonic() > until) return found
    await sleep(LOOK_MS)
  }
}

function lineOf({ gateway, user, target, outcome, detail }: SessionOrder): string {
  const what = 'session' in target ? `session ${target.session} of ${user}` : `the sessions of ${user}`
  switch (outcome) {
    case undefined:
      return `Ordered ${gateway} to end ${what}.`
    case 'done':
      return `${gateway} has ended ${what}.`
    case 'absent':
      return `${gateway} does not have ${what}.`
    case 'failed':
      return `${gateway} could not end ${what}: ${detail ?? 'no detail'}.`
  }
}
