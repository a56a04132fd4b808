import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { IssuedCertificate } from './certificates.ts'
import type { TemporaryFolder } from './folder.ts'
import { freePort } from './free-port.ts'
import { outputOf, thisMachine, waitForSocket } from './process.ts'

/** What `startExim` needs, for `describeWith`. */
export const EXIM_NEEDS: readonly string[] = ['root', 'exim4', 'python3', 'openssl']
/** Debian's account for it, to which it drops its rights. */
const ACCOUNT = 'Debian-exim'
const LISTENS_WITHIN = 60_000

export interface Exim {
  readonly port: number
  /** Every mail that was delivered, as Python's mail parser reads it. */
  delivered(): Promise<readonly DeliveredMail[]>
  stop(): Promise<void>
}

interface DeliveredMail {
  /** Of the envelope. */
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string
  /** Base64. */
  readonly pictures: readonly string[]
  /** What is wrong with its form (RFC 5322, RFC 2045). */
  readonly defects: readonly string[]
  /** The server's own words of how it came. */
  readonly received: string
}

interface EximOptions extends IssuedCertificate {
  readonly folder: TemporaryFolder
  readonly user: string
  readonly password: string
}

/** Debian's mail server: it takes mails with STARTTLS and login alone, and puts them into one Maildir. */
export async function startExim(options: EximOptions): Promise<Exim> {
  const { folder } = options
  const port = await freePort()
  for (const name of ['spool', 'mail']) {
    mkdirSync(folder.file(name))
    await outputOf(thisMachine, 'chown', [ACCOUNT, folder.file(name)])
  }
  await outputOf(thisMachine, 'chown', [ACCOUNT, options.key])
  writeFileSync(folder.file('exim.conf'), configuration(port, options), { mode: 0o644 })
  const exim = thisMachine.start('exim4', ['-C', folder.file('exim.conf'), '-bdf'])
  await waitForSocket(port, LISTENS_WITHIN)
  return {
    port,
    async delivered() {
      const files = filesIn(folder.file('mail/new'))
      if (files.length === 0) return []
      return JSON.parse(await outputOf(thisMachine, 'python3', ['-c', READ, ...files])) as DeliveredMail[]
    },
    stop: () => exim.stop(),
  }
}

function filesIn(path: string): readonly string[] {
  try {
    return readdirSync(path).map((name) => join(path, name))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function configuration(port: number, { folder, certificate, key, user, password }: EximOptions): string {
  return `
primary_hostname = localhost
spool_directory = ${folder.file('spool')}
log_file_path = ${folder.file('spool')}/%slog
pid_file_path = ${folder.file('spool')}/pid
notifier_socket =
keep_environment =
daemon_smtp_ports = ${port}
local_interfaces = 127.0.0.1
tls_advertise_hosts = *
tls_certificate = ${certificate}
tls_privatekey = ${key}
deliver_drop_privilege = true
acl_smtp_rcpt = rcpt
begin acl
rcpt:
  deny
    condition = \${if eq{$local_part}{gone}}
    message = no such user
  accept
    authenticated = *
  deny
    message = log in first
begin routers
everybody:
  driver = accept
  transport = maildir
begin transports
maildir:
  driver = appendfile
  maildir_format = true
  directory = ${folder.file('mail')}
  create_directory = true
  user = ${ACCOUNT}
  envelope_to_add = true
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = \${if and{{eq{$auth2}{${user}}}{eq{$auth3}{${password}}}}}
  server_set_id = $auth2
  server_advertise_condition = \${if def:tls_in_cipher}
`
}

const READ = `
import base64, email, email.policy, json, sys
def read(path):
    with open(path, 'rb') as file:
        mail = email.message_from_binary_file(file, policy=email.policy.default)
    parts = list(mail.walk())
    pictures = [part for part in parts if part.get_content_type() == 'image/png']
    return {
        'to': mail['envelope-to'],
        'subject': mail['subject'],
        'received': mail['received'],
        'text': mail.get_body(('plain',)).get_content(),
        'html': mail.get_body(('html',)).get_content(),
        'pictures': [base64.b64encode(part.get_content()).decode() for part in pictures],
        'defects': [str(defect) for part in parts for defect in part.defects],
    }
print(json.dumps([read(path) for path in sys.argv[1:]]))
`
