import type { Config } from '../config/schema.ts'
import { type Invited, isInvitee, type NotInvited } from '../manage/inviting-many.ts'
import type { InvitationOutput } from './invitation-outputs.ts'
import { moment, print, table } from './output.ts'

/** More would not fit a terminal, and codes that scroll away are lost. */
export const MAX_SHOWN = 50

/** Shows the codes at the terminal, or as JSON. */
export function shownInvitations({ portal }: Config, json: boolean | undefined): InvitationOutput {
  const page = `${portal.publicUrl ?? ''}/enrol`
  const isHere = portal.publicUrl === undefined
  const invited: Invited[] = []
  const left: NotInvited[] = []
  return {
    name: 'the terminal',
    take: async (each) => void (isInvitee(each) ? invited.push(each) : left.push(each)),
    async end() {
      const [one, ...more] = invited
      if (one !== undefined && more.length === 0 && left.length === 0) showOne(one, page, isHere, json)
      else
        print(json, { invited: invited.map(wireOf), notInvited: left }, () => linesOf(invited, page, isHere))
    },
  }
}

function showOne(invited: Invited, page: string, isHere: boolean, json: boolean | undefined): void {
  const { code, subject, until } = invited
  print(json, { ...wireOf(invited), page }, () => [
    code,
    '',
    `${subject} enters it, with the name ${subject}, at ${page}${isHere ? ' of the portal' : ''}.`,
    `It is good once, until ${moment(until)}, and ends any earlier invitation of this user.`,
    'The authenticator that is enrolled with it takes the place of any other. The code is not shown again.',
  ])
}

function linesOf(invited: readonly Invited[], page: string, isHere: boolean): readonly string[] {
  if (invited.length === 0) return []
  return [
    ...table(
      ['NAME', 'CODE', 'UNTIL'],
      invited.map(({ name, code, until }) => [name, code, moment(until)]),
    ),
    '',
    `Each enters their code, with their name, at ${page}${isHere ? ' of the portal' : ''}. The codes are not shown again.`,
  ]
}

function wireOf({ name, subject, code, until, link }: Invited): object {
  return { name, subject, code, until, link }
}
