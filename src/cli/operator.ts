import { userInfo } from 'node:os'

/** Who runs the command: the account on this machine, and who became root by sudo. */
export function operator(): string {
  return operatorOf(userInfo().username, process.geteuid?.() === 0, process.env.SUDO_USER)
}

/** @param sudoUser what the environment says. Anybody can set it, so it is believed only of root, whom nothing here could stop. */
export function operatorOf(account: string, isRoot: boolean, sudoUser: string | undefined): string {
  const who = isRoot && sudoUser !== undefined ? `${sudoUser} as ${account}` : account
  return `${who} (command line)`
}
