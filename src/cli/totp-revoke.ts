import type { Command } from 'commander'
import { OperatorError } from '../domain/errors.ts'
import { type CommonOptions, command, recordAudit, withStore } from './command.ts'
import { print } from './output.ts'
import { subjectOf } from './subject.ts'

interface Options extends CommonOptions {
  readonly id?: string
}

export function totpRevokeCommand(): Command {
  return command('revoke', "take away the user's authenticators and recovery codes")
    .argument('<name>')
    .option('--id <id>', 'only the authenticator of this identifier; recovery codes go with the last one')
    .action(revoke)
}

async function revoke(typed: string, { id, ...options }: Options): Promise<void> {
  await withStore(options, async (store) => {
    const { enrolments } = store.records
    const subject = await subjectOf(typed, store)
    const present = await enrolments.registeredOf(subject)
    if (!(await enrolments.revoke(subject, id))) {
      const ids = present.map((each) => `${each.id}${each.name === undefined ? '' : ` (${each.name})`}`)
      throw new OperatorError(
        ids.length === 0
          ? `${subject} has no authenticator`
          : `${subject} has no authenticator ${id}; there are ${ids.join(', ')}`,
      )
    }
    const detail = present.find((each) => each.id === id)?.name
    await recordAudit(store, { kind: 'enrolment.revoked', user: subject, detail })
    const left = id === undefined ? 0 : present.length - 1
    print(options.json, { subject, revoked: true, left }, () => [
      left === 0 ? `${subject} has no authenticator any more.` : `${subject} has ${left} more.`,
    ])
  })
}
