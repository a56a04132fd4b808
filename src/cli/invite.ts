import type { Command } from 'commander'
import { systemClock } from '../domain/clock.ts'
import { parseDuration } from '../domain/duration.ts'
import { OperatorError } from '../domain/errors.ts'
import { systemRandom } from '../domain/random.ts'
import { Inviting } from '../manage/inviting.ts'
import { type CommonOptions, command, withStore } from './command.ts'
import { operator } from './operator.ts'
import { moment, print } from './output.ts'
import { subjectOf } from './subject.ts'

interface Options extends CommonOptions {
  readonly for: string
}

const MAX_MS = 30 * 24 * 3_600_000

export function inviteCommand(): Command {
  return command('invite')
    .argument('<name>')
    .option('--for <duration>', 'how long it is good, up to 30d', '24h')
    .action(invite)
}

async function invite(typed: string, options: Options): Promise<void> {
  const forMs = durationOf(options.for)
  await withStore(options, async (store, { portal }) => {
    const subject = await subjectOf(typed, store)
    const { invitations, audit } = store.records
    const inviting = new Inviting({ invitations, audit, clock: systemClock, random: systemRandom })
    const { code, until } = await inviting.invite(subject, { actor: operator() }, forMs)
    const page = `${portal.publicUrl ?? ''}/enrol`
    print(options.json, { subject, code, until, page }, () => [
      code,
      '',
      `${subject} enters it, with the name ${subject}, at ${page}${portal.publicUrl === undefined ? ' of the portal' : ''}.`,
      `It is good once, until ${moment(until)}, and ends any earlier invitation of this user.`,
      'The authenticator that is enrolled with it takes the place of any other. The code is not shown again.',
    ])
  })
}

function durationOf(text: string): number {
  const ms = parseDuration(text)
  if (ms !== undefined && ms > 0 && ms <= MAX_MS) return ms
  throw new OperatorError(`--for: "${text}" is not a duration up to 30d; write 24h, say`)
}
