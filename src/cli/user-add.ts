import type { Command } from 'commander'
import { systemClock } from '../domain/clock.ts'
import { parseAddress } from '../domain/network.ts'
import { newPassword } from './ask-secret.ts'
import { Complaint } from './complaint.ts'
import { type CommonOptions, userNamed, verb, withStore, witness } from './office.ts'
import { print } from './output.ts'

interface Options extends CommonOptions {
  readonly passwordStdin?: boolean
  readonly group?: readonly string[]
  readonly ipv4?: string
  readonly ipv6?: string
  readonly expires?: string
}

export function userAddCommand(): Command {
  return verb('add', 'add a user; the password is asked for')
    .argument('<name>')
    .option('--password-stdin', 'read the password from the first line of standard input')
    .option('--group <group...>', 'groups that policies can name')
    .option('--ipv4 <address>', 'the address that this user always gets')
    .option('--ipv6 <address>', 'the IPv6 address that this user always gets')
    .option('--expires <date>', 'from this day on logins are refused, as 2027-01-31')
    .action(add)
}

async function add(typed: string, options: Options): Promise<void> {
  const name = userNamed(typed)
  const attributes = { ipv4: address(options.ipv4, 'ipv4'), ipv6: address(options.ipv6, 'ipv6') }
  const expiresAt = options.expires === undefined ? undefined : dateOf(options.expires)
  await withStore(options, async (store) => {
    if ((await store.records.users.find(name)) !== undefined)
      throw new Complaint(`there is a user ${name} already`)
    const passwordHash = await store.hashes.hash(await newPassword(options.passwordStdin))
    const groups = options.group ?? []
    const user = {
      name,
      passwordHash,
      enabled: true,
      expiresAt,
      groups,
      attributes,
      createdAt: systemClock.now(),
    }
    const answer = await store.records.users.add(user)
    if (answer === 'exists') throw new Complaint(`there is a user ${name} already`)
    if (answer === 'address_taken')
      throw new Complaint('another user has this address, and ocserv would give it to both')
    await witness(store, { kind: 'user.added', user: name })
    print(options.json, { name, groups, ...attributes, expiresAt }, () => [
      `Added ${name}. Enrol an authenticator: ocbroker totp enrol ${name}`,
    ])
  })
}

function address(text: string | undefined, kind: 'ipv4' | 'ipv6'): string | undefined {
  if (text === undefined) return undefined
  const parsed = parseAddress(text)
  if (parsed?.kind() === kind) return parsed.toString()
  throw new Complaint(`--${kind}: "${text}" is no ${kind === 'ipv4' ? 'IPv4' : 'IPv6'} address`)
}

function dateOf(text: string): number {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00`).getTime() : Number.NaN
  if (Number.isNaN(at)) throw new Complaint(`--expires: "${text}" is no date; write it as 2027-01-31`)
  return at
}
