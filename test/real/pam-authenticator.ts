import { mkdirSync, writeFileSync } from 'node:fs'
import { temporaryFolder } from './folder.ts'
import { thisMachine } from './process.ts'

/** What `askPam` needs, for `describeWith`. */
export const PAM_NEEDS: readonly string[] = ['root', 'google-authenticator', 'pamtester', 'unshare', 'mount']

const SERVICE = 'vpn-code'

/**
 * Asks pam_google_authenticator about a code. The configuration of PAM is laid over that of the machine in a mount
 * namespace of the question's own.
 * @param homes the folder with a `.google_authenticator` for each user.
 */
export async function askPam(homes: string, user: string, code: string): Promise<boolean> {
  const folder = temporaryFolder('pam')
  try {
    mkdirSync(folder.file('pam.d'))
    const file = `${homes}/\${USER}/.google_authenticator`
    writeFileSync(
      folder.file(`pam.d/${SERVICE}`),
      `auth required pam_google_authenticator.so secret=${file} user=root\n`,
    )
    const script = 'mount --bind "$1" /etc/pam.d && exec pamtester "$2" "$3" authenticate'
    const words = ['--mount', 'sh', '-c', script, 'sh', folder.file('pam.d'), SERVICE, user]
    const { code: exit } = await thisMachine.run('unshare', words, { input: `${code}\n` })
    return exit === 0
  } finally {
    await folder.remove()
  }
}
