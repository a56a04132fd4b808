import { once } from 'node:events'
import type { Command } from 'commander'
import { takesPasskeys } from '../app/takes-passkeys.ts'
import { systemClock } from '../domain/clock.ts'
import { OperatorError } from '../domain/errors.ts'
import { type GraceRule, graceLeft, graceWords } from '../domain/grace.ts'
import { spelledOutJson } from '../domain/hidden-characters.ts'
import { fileForms } from '../http/api/record-file.ts'
import { type RollOutPerson, rollOut, unlistable } from '../manage/roll-out.ts'
import { type CommonOptions, command, withStore } from './command.ts'
import { moment, table } from './output.ts'
import { cannotList, checkStoreName } from './roll-out-words.ts'

interface Options extends CommonOptions {
  readonly missing?: boolean
  readonly group?: string
  readonly store?: string
  readonly groups?: boolean
  readonly csv?: boolean
}

export function enrolmentListCommand(): Command {
  return command('list', 'list the users of all identity stores, with what they have of a second factor')
    .option('--missing', 'those without a second factor only')
    .option('--group <name>', 'of this group only')
    .option('--store <name>', 'of this identity store only')
    .option('--groups', 'with the groups of each, which may take a question for each user')
    .option('--csv', 'as CSV')
    .action(list)
}

/** A page at a time, so that 100,000 users take no more memory than a few hundred. */
async function list(options: Options): Promise<void> {
  const { missing, group, store: name, groups: wantsGroups, csv, json } = options
  if (csv === true && json === true) throw new OperatorError('--csv and --json are two formats: choose one')
  await withStore(options, async ({ listings, records }, config) => {
    const rule = config.secondFactor.grace
    const rollingOut = { listings, records, takesPasskeys: takesPasskeys(config), clock: systemClock }
    checkStoreName(name, listings)
    const search = { missing, group, store: name, wantsGroups }
    const form = csv === true ? asCsv(rule) : json === true ? asJson(rule) : asTable(rule)
    let count = 0
    await write(form.head)
    for await (const page of rollOut(search, rollingOut)) {
      if (page.length > 0) await write(form.page(page, count === 0))
      count += page.length
    }
    await write(form.foot(count))
    const lacks = group === undefined ? cannotList(unlistable(search, listings)) : []
    for (const line of lacks) process.stderr.write(`${line}\n`)
  })
}

async function write(text: string): Promise<void> {
  if (text !== '' && !process.stdout.write(text)) await once(process.stdout, 'drain')
}

interface Form {
  readonly head: string
  page(people: readonly RollOutPerson[], isFirst: boolean): string
  foot(count: number): string
}

function asTable(rule: GraceRule | undefined): Form {
  const headings = ['NAME', 'STORE', 'SECOND FACTOR SINCE', 'LAST LOGIN', 'INVITED UNTIL', 'GRACE', 'GROUPS']
  return {
    head: '',
    page(people, isFirst) {
      const lines = table(
        headings,
        people.map((person) => [
          person.subject ?? person.name,
          `${person.store ?? 'records'}${person.barred === undefined ? '' : ` (${person.barred})`}`,
          since(person),
          moment(person.lastLoginAt),
          moment(waitingUntil(person)),
          graceOf(person, rule) ?? '-',
          person.groups?.join(' ') ?? '',
        ]),
      )
      return `${lines.slice(isFirst ? 0 : 1).join('\n')}\n`
    },
    foot: (count) => (count === 0 ? 'Nobody.\n' : ''),
  }
}

function asJson(rule: GraceRule | undefined): Form {
  return {
    head: '[',
    page: (people, isFirst) =>
      people
        .map(
          (person, index) =>
            `${isFirst && index === 0 ? '' : ','}\n${spelledOutJson(JSON.stringify(wireOf(person, rule)))}`,
        )
        .join(''),
    foot: () => '\n]\n',
  }
}

function asCsv(rule: GraceRule | undefined): Form {
  const { csv } = fileForms<RollOutPerson>(
    [
      ...['name', 'store', 'groups', 'enrolled_at', 'passkey_at', 'last_login_at', 'invited_until'],
      ...['grace', 'barred', 'mail'],
    ],
    (person) => {
      const { enrolledAt, passkeyAt, lastLoginAt, invitedUntil, groups, ...rest } = wireOf(person, rule)
      return {
        ...rest,
        groups: groups?.join(' '),
        ...{ enrolled_at: enrolledAt, passkey_at: passkeyAt },
        ...{ last_login_at: lastLoginAt, invited_until: invitedUntil },
      }
    },
  )
  return { head: csv.head, page: (people) => people.map(csv.lineOf).join(''), foot: () => '' }
}

function wireOf(person: RollOutPerson, rule: GraceRule | undefined) {
  const { name, subject = name, store, groups, mail, barred, enrolledAt, passkeyAt, lastLoginAt } = person
  const at = (time: number | undefined) => (time === undefined ? undefined : new Date(time).toISOString())
  return {
    ...{ name: subject, store, groups, mail, barred, grace: graceOf(person, rule) },
    ...{ enrolledAt: at(enrolledAt), passkeyAt: at(passkeyAt) },
    ...{ lastLoginAt: at(lastLoginAt), invitedUntil: at(waitingUntil(person)) },
  }
}

function since({ enrolledAt, passkeyAt }: RollOutPerson): string {
  return enrolledAt === undefined && passkeyAt !== undefined
    ? `${moment(passkeyAt)} (passkey)`
    : moment(enrolledAt)
}

/** What is left of the grace of a user who needs it. */
function graceOf(
  { enrolledAt, passkeyAt, grace, invitation }: RollOutPerson,
  rule: GraceRule | undefined,
): string | undefined {
  if (rule === undefined || enrolledAt !== undefined || passkeyAt !== undefined) return undefined
  const { logins, isClosed } = grace ?? { logins: 0, isClosed: false }
  const now = systemClock.now()
  const isInvited = (invitation?.expiresAt ?? 0) > now && invitation?.usedAt === undefined
  const left = graceLeft(rule, { logins, isOpen: !isClosed || isInvited }, now)
  return left === undefined ? 'none left' : graceWords(left)
}

/** Until when an invitation waits, or when it ended unused. */
function waitingUntil({ invitation }: RollOutPerson): number | undefined {
  return invitation?.usedAt === undefined ? invitation?.expiresAt : undefined
}
