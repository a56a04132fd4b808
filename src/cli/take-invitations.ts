import { messageOf, OperatorError } from '../domain/errors.ts'
import { spelledOut } from '../domain/hidden-characters.ts'
import { type Invited, isInvitee, type NotInvited } from '../manage/inviting-many.ts'
import type { InvitationOutput } from './invitation-outputs.ts'
import { NOT_INVITED } from './not-invited.ts'
import { print } from './output.ts'
import { MAX_SHOWN } from './shown-invitations.ts'

interface TakeOptions {
  readonly json?: boolean
  /** Whether the codes are shown at the terminal, which takes few. */
  readonly isShown: boolean
  readonly notes: readonly string[]
}

/**
 * Gives each invitation to the outputs as it is made, and says on standard error who was not invited.
 * @throws OperatorError where anybody was not, or where something came between; the outputs hold what was done before.
 */
export async function takeInvitations(
  invitations: AsyncIterable<Invited | NotInvited>,
  outputs: readonly InvitationOutput[],
  { json, isShown, notes }: TakeOptions,
): Promise<void> {
  for (const note of notes) tell(note)
  let invited = 0
  const left: NotInvited[] = []
  const failure = await take()
  if (failure === undefined && invited === 0 && left.length === 0) {
    for (const output of outputs) await output.discard?.()
    throw new OperatorError('nobody matches; nobody was invited')
  }
  for (const output of outputs) await output.end()
  if (!isShown)
    print(json, { invited, notInvited: left, files: outputs.map(({ name }) => name) }, () => [
      `${counted(invited)} invited: ${outputs.map(({ name }) => name).join(', ')}`,
    ])
  for (const { name, why } of left) tell(`${name}: not invited: ${NOT_INVITED[why]}`)
  if (failure !== undefined) throw new OperatorError(`stopped after ${counted(invited)}: ${failure}`)
  if (left.length > 0) throw new OperatorError('')

  /** @returns why not all were asked about. */
  async function take(): Promise<string | undefined> {
    let latest: string | undefined
    try {
      for await (const each of invitations) {
        latest = isInvitee(each) ? each.name : undefined
        for (const output of outputs) await output.take(each)
        if (isInvitee(each)) invited += 1
        else left.push(each)
        latest = undefined
        if (isShown && invited === MAX_SHOWN)
          return `no more codes than ${MAX_SHOWN} are shown at once; write --csv or --sheets`
      }
      return undefined
    } catch (error) {
      const lost = latest === undefined ? '' : `; the code of ${latest} is lost: invite this user again`
      return `${messageOf(error)}${lost}`
    }
  }
}

function counted(users: number): string {
  return `${users} user${users === 1 ? '' : 's'}`
}

function tell(text: string): void {
  process.stderr.write(`${spelledOut(text)}\n`)
}
