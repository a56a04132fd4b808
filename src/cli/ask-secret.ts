import { text } from 'node:stream/consumers'
import { Secret } from '../domain/secret.ts'
import { Complaint } from './complaint.ts'

/** The lines of standard input, each a password or a code. */
export async function secretsFromStdin(): Promise<Secret[]> {
  const lines = (await text(process.stdin)).split(/\r?\n/)
  if (lines.at(-1) === '') lines.pop()
  return lines.map((line) => new Secret(line))
}

/** Asks at the terminal without showing what is typed. @throws Complaint where there is no terminal, or on Ctrl-C. */
export async function askSecret(question: string): Promise<Secret> {
  const { stdin, stderr } = process
  if (!stdin.isTTY) throw new Complaint('no terminal to ask at; give the password with --password-stdin')
  // Before the question: whoever answers at once must not see the answer.
  stdin.setRawMode(true)
  stderr.write(question)
  stdin.setEncoding('utf8')
  let typed = ''
  try {
    for await (const chunk of stdin.iterator({ destroyOnReturn: false })) {
      for (const sign of String(chunk)) {
        if (sign === '\r' || sign === '\n') return new Secret(typed)
        if (sign === '\u0003' || sign === '\u0004') throw new Complaint('given up')
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

/** The fewest characters of a password (NIST SP 800-63B §3.1.1.2) … */
const FEWEST = 8
/** … and the most octets: radcli before 1.4.0 cuts a password there. */
const MOST_OCTETS = 112

/** A new password, from standard input or typed twice. @throws Complaint where it is too short or too long. */
export async function newPassword(fromStdin: boolean | undefined): Promise<Secret> {
  const password = fromStdin
    ? ((await secretsFromStdin())[0] ?? new Secret(''))
    : await askSecret('New password: ')
  const length = [...password.reveal()].length
  if (length < FEWEST) throw new Complaint(`the password has ${length} characters; ${FEWEST} is the least`)
  if (password.bytes().length > MOST_OCTETS) {
    throw new Complaint(
      `the password is longer than the ${MOST_OCTETS} octets that every gateway sends whole`,
    )
  }
  if (!fromStdin && !(await askSecret('Once more: ')).equals(password)) throw new Complaint('the two differ')
  return password
}
