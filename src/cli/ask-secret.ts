import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { messageOf, OperatorError } from '../domain/errors.ts'
import { Secret } from '../domain/secret.ts'
import type { PasswordRules } from '../identity/local/password-rules.ts'

/** The lines of standard input, each a password or a code. */
export async function secretsFromStdin(): Promise<Secret[]> {
  const lines = (await text(process.stdin)).split(/\r?\n/)
  if (lines.at(-1) === '') lines.pop()
  return lines.map((line) => new Secret(line))
}

/**
 * Asks at the terminal without showing what is typed.
 * @param option gives it where there is no terminal. @throws OperatorError if there is none, or on Ctrl-C.
 */
export async function askSecret(question: string, option = '--password-stdin'): Promise<Secret> {
  const { stdin, stderr } = process
  if (!stdin.isTTY) throw new OperatorError(`no terminal to ask at; use ${option}`)
  // Before the question: an immediate answer must not be echoed.
  stdin.setRawMode(true)
  stderr.write(question)
  stdin.setEncoding('utf8')
  let typed = ''
  try {
    for await (const chunk of stdin.iterator({ destroyOnReturn: false })) {
      for (const sign of String(chunk)) {
        if (sign === '\r' || sign === '\n') return new Secret(typed)
        if (sign === '\u0003' || sign === '\u0004') throw new OperatorError('given up')
        typed = sign === '\u007f' || sign === '\b' ? [...typed].slice(0, -1).join('') : typed + sign
      }
    }
    return new Secret(typed)
  } finally {
    stdin.setRawMode(false)
    stdin.pause()
    stderr.write('\n')
  }
}

/** A new password, from standard input or typed twice. @throws OperatorError if the rules refuse it. */
export async function newPassword(
  user: string,
  rules: PasswordRules,
  fromStdin: boolean | undefined,
): Promise<Secret> {
  const password = fromStdin
    ? ((await secretsFromStdin())[0] ?? new Secret(''))
    : await askSecret('New password: ')
  const problem = await rules(password, user)
  if (problem !== undefined) throw new OperatorError(`the password ${problem}`)
  if (!fromStdin && !(await askSecret('Once more: ')).equals(password))
    throw new OperatorError('the two differ')
  return password
}

const MIN_PASSPHRASE_CHARACTERS = 12

/** The passphrase of a backup, from a file or typed. @param isNew typed twice, and not too short. @throws OperatorError */
export async function passphraseFrom(file: string | undefined, isNew: boolean): Promise<Secret> {
  const ask = (question: string) => askSecret(question, '--passphrase-file FILE')
  const passphrase = file === undefined ? await ask('Passphrase: ') : await passphraseIn(file)
  if (!isNew) return passphrase
  if ([...passphrase.reveal()].length < MIN_PASSPHRASE_CHARACTERS)
    throw new OperatorError(
      `the passphrase is too short: somebody who gets the backup can guess without any limit, so take at least ${MIN_PASSPHRASE_CHARACTERS} characters`,
    )
  if (file === undefined && !(await ask('Once more: ')).equals(passphrase))
    throw new OperatorError('the two differ')
  return passphrase
}

async function passphraseIn(file: string): Promise<Secret> {
  const content = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new OperatorError(`${file} cannot be read: ${messageOf(error)}`, { cause: error })
  })
  return new Secret(content.replace(/\r?\n$/, ''))
}
