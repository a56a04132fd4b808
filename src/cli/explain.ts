import type { Command } from 'commander'
import { explainOptions } from '../app/explain.ts'
import { systemClock } from '../domain/clock.ts'
import type { RegisteredEnrolment } from '../domain/enrolment.ts'
import { OperatorError } from '../domain/errors.ts'
import { isInForce } from '../domain/lockout.ts'
import { SYSTEM_RUNTIME } from '../domain/runtime.ts'
import { explanationWire } from '../http/api/decisions.ts'
import { type Explanation, explain } from '../manage/explain.ts'
import { type CommonOptions, command, withRecords, withStore } from './command.ts'
import { attemptWire, eventsOfAttempt, linesOfAttempt } from './explain-attempt.ts'
import { moment, print } from './output.ts'

interface Options extends CommonOptions {
  readonly gateway?: string
  readonly from?: string
  readonly client?: string
  readonly attempt?: string
}

const WRONG = {
  user: 'no login could carry this name',
  gateway: 'the configuration has no gateway of this name',
  address: '--from is not an address',
} as const

export function explainCommand(): Command {
  return command('explain')
    .argument('[name]')
    .option('--gateway <name>', 'through which gateway; left out, the first of the configuration')
    .option('--from <address>', "the user's own address")
    .option('--client <text>', 'what the client says of itself, where policies go by it')
    .option('--attempt <id>', 'a past login, by the attempt of a line of the log or the id of an audit event')
    .action((name: string | undefined, options: Options) =>
      options.attempt === undefined
        ? explainLogin(name, options)
        : explainAttempt(options.attempt, name, options),
    )
}

async function explainAttempt(id: string, name: string | undefined, options: Options): Promise<void> {
  if (name !== undefined) throw new OperatorError('with --attempt no name is given')
  await withRecords(options, async ({ records }) => {
    const events = await eventsOfAttempt(id, records.audit)
    print(options.json, attemptWire(events), () => linesOfAttempt(events))
  })
}

async function explainLogin(
  user: string | undefined,
  { gateway, from, client, ...options }: Options,
): Promise<void> {
  if (user === undefined) throw new OperatorError('name a user, or a past login by --attempt')
  await withStore(options, async (store, config) => {
    const answer = await explain(
      { user, gateway, address: from, client },
      explainOptions(config, store, SYSTEM_RUNTIME),
    )
    if ('wrong' in answer) throw new OperatorError(WRONG[answer.wrong])
    print(options.json, explanationWire(answer, systemClock.now()), () => linesOf(answer))
  })
}

function linesOf(found: Explanation): string[] {
  const { user, gateway, address, outcome, stores, locks, enrolments, reply } = found
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
    ...(enrolments.length === 0 ? ['  authenticator: none'] : enrolments.map(enrolmentLine)),
    ...policyLines(found),
    ...(reply === undefined ? [] : ['  reply:', ...reply.map(({ name, value }) => `    ${name} = ${value}`)]),
  ]
}

function enrolmentLine({ name, createdAt, recoveryCodesLeft }: RegisteredEnrolment): string {
  const named = name === undefined ? '' : ` ${name}`
  return `  authenticator:${named} since ${moment(createdAt)}, ${recoveryCodesLeft} recovery codes left`
}

/** The row that decides, and why none before it does. */
function policyLines({ policy, policyNumber, passedOver = [] }: Explanation): string[] {
  return [
    `  policy: ${policyNumber === undefined ? 'none' : `${policy} (row ${policyNumber})`}`,
    ...passedOver.map(({ number, name, because }) => `    not row ${number} ${name}: ${because}`),
  ]
}
