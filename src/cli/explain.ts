import type { Command } from 'commander'
import { explainOptions } from '../broker-http.ts'
import { systemClock } from '../domain/clock.ts'
import { isInForce } from '../domain/lockout.ts'
import { systemRandom } from '../domain/random.ts'
import { explanationWire } from '../http/api/decisions.ts'
import { type Explanation, explain } from '../manage/explain.ts'
import { Complaint } from './complaint.ts'
import { type CommonOptions, verb, withStore } from './office.ts'
import { moment, print } from './output.ts'

interface Options extends CommonOptions {
  readonly gateway?: string
  readonly from?: string
}

const WRONG = {
  user: 'no login could carry this name',
  gateway: 'the configuration has no gateway of this name',
  address: '--from is no address',
} as const

export function explainCommand(): Command {
  return verb('explain', 'what a login of the user would come to now, and why; looks at no password')
    .argument('<name>')
    .option('--gateway <name>', 'through which gateway; left out, the first of the configuration')
    .option('--from <address>', "the user's own address")
    .action(explainLogin)
}

async function explainLogin(user: string, { gateway, from, ...options }: Options): Promise<void> {
  await withStore(options, async (store, config) => {
    const machine = { clock: systemClock, random: systemRandom }
    const answer = await explain({ user, gateway, address: from }, explainOptions(config, store, machine))
    if ('wrong' in answer) throw new Complaint(WRONG[answer.wrong])
    print(options.json, explanationWire(answer, systemClock.now()), () => linesOf(answer))
  })
}

function linesOf(found: Explanation): string[] {
  const { user, gateway, address, outcome, stores, locks, enrolment, policy, reply } = found
  return [
    outcome.words,
    '',
    `${user} through ${gateway}${address === undefined ? '' : ` from ${address}`}`,
    ...stores.map(
      ({ store, answer, subject, groups, detail }) =>
        `  asked ${store}: ${[answer, detail].filter(Boolean).join(', ')}${answer === 'known' ? ` as ${subject}, groups: ${groups?.join(' ') || 'none'}` : ''}`,
    ),
    locks.length === 0 ? '  locks: none' : '  locks:',
    ...locks
      .filter((lock) => isInForce(lock, systemClock.now()))
      .map(
        ({ scope, reason, until }) =>
          `    ${scope} until ${until === undefined ? 'released' : moment(until)}: ${reason}`,
      ),
    enrolment === undefined
      ? '  authenticator: none'
      : `  authenticator: since ${moment(enrolment.createdAt)}, ${enrolment.recoveryCodesLeft} recovery codes left`,
    `  policy: ${policy ?? 'none'}`,
    ...(reply === undefined ? [] : ['  reply:', ...reply.map(({ name, value }) => `    ${name} = ${value}`)]),
  ]
}
