import type { Command } from 'commander'
import { passwordRulesOf } from '../app/password-rules.ts'
import { systemClock } from '../domain/clock.ts'
import { OperatorError } from '../domain/errors.ts'
import { systemRandom } from '../domain/random.ts'
import { Users } from '../manage/users.ts'
import { type CommonOptions, command, userNamed, withStore } from './command.ts'
import { namesakesIn } from './namesakes-in.ts'
import { operator } from './operator.ts'
import { print } from './output.ts'

export function userRemoveCommand(): Command {
  return command('remove', 'remove the user with their authenticator; sessions and audit events stay')
    .argument('<name>')
    .action(remove)
}

async function remove(typed: string, options: CommonOptions): Promise<void> {
  const name = userNamed(typed)
  await withStore(options, async (store, config) => {
    const users = new Users({
      ...store.records,
      hash: (password) => store.hashes.hash(password),
      passwordFault: passwordRulesOf(config),
      // The browsers' sessions rest on the record that is removed here.
      sessions: { deleteAllOf: async () => '' },
      candidates: store.candidates,
      namesakesOf: (each) => namesakesIn(store, each),
      clock: systemClock,
      pools: config.pools.flatMap(({ ipv4 }) => ipv4 ?? []),
      random: systemRandom,
    })
    const removed = await users.remove(name, { actor: operator(), mayRevoke: true })
    if (removed === undefined) throw new OperatorError(`there is no user ${name}`)
    const { ownsSubject, subject, knownTo, unsure, away } = removed.namesakes
    const isKept = subject !== undefined && !ownsSubject
    print(options.json, { name, removed: true, authenticatorKept: isKept }, () => [
      `${name} is removed.`,
      ...(isKept
        ? [
            `An authenticator under this name is kept: it may belong to ${[...knownTo, ...unsure, ...away].join(', ')}.`,
          ]
        : []),
    ])
  })
}
