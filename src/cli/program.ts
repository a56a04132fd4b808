import { Command, CommanderError } from 'commander'
import packageFile from '../../package.json' with { type: 'json' }
import { Complaint } from './complaint.ts'

/** What the operator typed was wrong, or what it asked for could not be done. */
const FAILED = 1

/** @param argv as `process.argv`. @returns the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  const program = await build(argv[2])
  explainWrongCalls(program)
  try {
    await program.parseAsync([...argv])
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode
    if (error instanceof Complaint) {
      if (error.message !== '') process.stderr.write(`${error.message.trimEnd()}\n`)
      return FAILED
    }
    throw error
  }
}

/** By what is typed first. Only that is loaded: the server alone takes half a second. */
const VERBS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./serve.ts')).serveCommand(),
  check: async () => (await import('./check.ts')).checkCommand(),
  user: async () =>
    group('user', 'users that the broker itself knows', [
      (await import('./user-add.ts')).userAddCommand(),
      (await import('./user-list.ts')).userListCommand(),
      (await import('./user-passwd.ts')).userPasswdCommand(),
      ...(await import('./user-enable.ts')).userEnableCommands(),
      (await import('./user-remove.ts')).userRemoveCommand(),
      (await import('./user-import.ts')).userImportCommand(),
    ]),
  totp: async () =>
    group('totp', 'authenticators', [
      (await import('./totp-enrol.ts')).totpEnrolCommand(),
      (await import('./totp-revoke.ts')).totpRevokeCommand(),
    ]),
  invite: async () => (await import('./invite.ts')).inviteCommand(),
  lockout: async () =>
    group('lockout', 'who is locked out', [
      (await import('./lockout-list.ts')).lockoutListCommand(),
      (await import('./lockout-release.ts')).lockoutReleaseCommand(),
    ]),
  session: async () =>
    group('session', 'VPN sessions', [(await import('./session-list.ts')).sessionListCommand()]),
  pool: async () =>
    group('pool', 'addresses that policies give', [
      (await import('./pool-list.ts')).poolListCommand(),
      (await import('./pool-release.ts')).poolReleaseCommand(),
    ]),
  token: async () =>
    group('token', 'tokens of the HTTP API', [
      (await import('./token-create.ts')).tokenCreateCommand(),
      (await import('./token-list.ts')).tokenListCommand(),
      (await import('./token-revoke.ts')).tokenRevokeCommand(),
    ]),
  storage: async () =>
    group('storage', 'the database', [(await import('./storage-copy.ts')).storageCopyCommand()]),
  audit: async () => (await import('./audit.ts')).auditCommand(),
  explain: async () => (await import('./explain.ts')).explainCommand(),
  doctor: async () => (await import('./doctor.ts')).doctorCommand(),
  login: async () => (await import('./login.ts')).loginCommand(),
  'ocserv-config': async () => (await import('./ocserv-config.ts')).ocservConfigCommand(),
}

async function build(typed: string | undefined): Promise<Command> {
  const program = new Command('ocbroker')
    .description(packageFile.description)
    .version(packageFile.version)
    .enablePositionalOptions()
    .exitOverride()
  const known = typed !== undefined && Object.hasOwn(VERBS, typed) ? VERBS[typed] : undefined
  for (const load of known === undefined ? Object.values(VERBS) : [known]) program.addCommand(await load())
  return program
}

/** What every verb says of a wrong call; a command that is added takes nothing over from its parent. */
function explainWrongCalls(command: Command): void {
  command.showHelpAfterError('(see --help)').configureOutput({
    outputError: (message, write) => write(withoutValues(message)),
  })
  for (const verb of command.commands) explainWrongCalls(verb)
}

/** An option that does not exist may hold what should have been typed at a prompt: `--password=…`. */
function withoutValues(message: string): string {
  return message.replaceAll(/(--[^\s=']+)=[^']*/g, '$1=***')
}

function group(name: string, description: string, verbs: readonly Command[]): Command {
  const parent = new Command(name).description(description).exitOverride()
  for (const verb of verbs) parent.addCommand(verb)
  return parent
}
