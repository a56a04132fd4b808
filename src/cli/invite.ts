import { type Command, Option } from 'commander'
import { takesPasskeys } from '../app/takes-passkeys.ts'
import type { Config } from '../config/schema.ts'
import { systemClock } from '../domain/clock.ts'
import { OperatorError } from '../domain/errors.ts'
import { systemRandom } from '../domain/random.ts'
import type { StoreListing } from '../domain/store-users.ts'
import { Inviting } from '../manage/inviting.ts'
import { inviteMany } from '../manage/inviting-many.ts'
import { unlistable } from '../manage/roll-out.ts'
import { SHEETS_PER_PAGE } from '../web/sheets/per-page.ts'
import { demandedMails, durationOf } from './code-options.ts'
import { type CommonOptions, command, readable, withStore } from './command.ts'
import { csvOutput, type InvitationOutput, sheetsOutput } from './invitation-outputs.ts'
import { inviteesOf, nameFault, namesInFile, type Selection } from './invitees.ts'
import { operator } from './operator.ts'
import { cannotList, checkStoreName } from './roll-out-words.ts'
import { shownInvitations } from './shown-invitations.ts'
import { takeInvitations } from './take-invitations.ts'

interface InviteOptions extends CommonOptions {
  readonly for: string
  readonly file?: string
  readonly group?: string
  readonly store?: string
  readonly missing?: boolean
  readonly reason?: string
  readonly csv?: string
  readonly sheets?: string
  readonly mail?: boolean
  readonly perPage: string
}

export function inviteCommand(): Command {
  return command('invite')
    .argument('[names...]')
    .option('--file <file>', 'the users whose names it holds, one a line')
    .option('--group <name>', 'all users of this group')
    .option('--store <name>', 'all users of this identity store')
    .option('--missing', 'of them, or of all users, those without a second factor')
    .option('--for <duration>', 'how long it is good, up to 30d', '24h')
    .option('--reason <text>', 'why, for the audit trail')
    .option('--csv <file>', 'write names, links and codes into a new file, which nobody else can read')
    .option('--sheets <file>', 'write sheets to print into a new file, each with a QR code of the link')
    .option('--mail', 'send each to its user, by the running broker')
    .addOption(
      new Option('--per-page <number>', 'sheets on a page').choices(SHEETS_PER_PAGE.map(String)).default('1'),
    )
    .action(invite)
}

async function invite(names: readonly string[], options: InviteOptions): Promise<void> {
  const validMs = durationOf(options.for)
  const reason = options.reason === undefined ? undefined : readable('--reason', options.reason)
  const selection = await selectionOf(names, options)
  await withStore(options, async (store, config) => {
    checkStoreName(options.store, store.listings)
    const { invitations, audit } = store.records
    const mails = options.mail === true ? demandedMails('invitation', store, config) : undefined
    const inviting = new Inviting({ invitations, audit, mails, clock: systemClock, random: systemRandom })
    const { publicUrl } = config.portal
    const context = { actor: operator(), reason }
    const outputs = await outputsOf(options, config)
    const isShown = outputs.length === 0
    const shown = isShown ? shownInvitations(config, options.json) : undefined
    const invited = inviteMany(inviteesOf(selection, { ...store, takesPasskeys: takesPasskeys(config) }), {
      ...{ inviting, context, validMs, publicUrl, byMail: options.mail },
    })
    await takeInvitations(invited, shown === undefined ? outputs : [shown], {
      json: options.json,
      isShown,
      notes: lacksOf(selection, store.listings),
    })
  })
}

/** What the search cannot find. */
function lacksOf(selection: Selection, listings: readonly StoreListing[]): readonly string[] {
  if (!('search' in selection) || selection.search.group !== undefined) return []
  return cannotList(unlistable(selection.search, listings))
}

async function selectionOf(names: readonly string[], options: InviteOptions): Promise<Selection> {
  const { file, group, store, missing } = options
  const isSearch = group !== undefined || store !== undefined
  if (names.length + Number(file !== undefined) > 0) {
    if (isSearch) throw new OperatorError('--group and --store stand alone: names say who is meant')
    for (const name of names) {
      const fault = nameFault(name)
      if (fault !== undefined) throw new OperatorError(fault)
    }
    return { names: [...names, ...(file === undefined ? [] : await namesInFile(file))], missing }
  }
  if (!isSearch && missing !== true)
    throw new OperatorError('nobody is named: write names, --file, --group or --missing')
  return { search: { group, store, missing } }
}

/** Made before anybody is invited: what cannot be written would be lost. */
async function outputsOf(
  options: InviteOptions,
  { portal, secondFactor }: Config,
): Promise<InvitationOutput[]> {
  const { csv, sheets } = options
  const perPage = SHEETS_PER_PAGE.find((each) => String(each) === options.perPage) ?? 1
  const [locale = 'en'] = portal.locales
  return [
    ...(options.mail === true ? [MAIL_OUTPUT] : []),
    ...(csv === undefined ? [] : [await csvOutput(csv)]),
    ...(sheets === undefined
      ? []
      : [await sheetsOutput(sheets, { service: secondFactor.totp.issuer, locale, perPage })]),
  ]
}

/** They wait in the records already: the running broker sends them. */
const MAIL_OUTPUT: InvitationOutput = {
  name: '--mail',
  take: async () => undefined,
  end: async () => undefined,
}
