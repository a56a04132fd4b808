import { Command, CommanderError } from 'commander'
import packageFile from '../../package.json' with { type: 'json' }
import { auditCommand } from './audit.ts'
import { checkCommand } from './check.ts'
import { Complaint } from './complaint.ts'
import { doctorCommand } from './doctor.ts'
import { explainCommand } from './explain.ts'
import { inviteCommand } from './invite.ts'
import { lockoutListCommand } from './lockout-list.ts'
import { lockoutReleaseCommand } from './lockout-release.ts'
import { loginCommand } from './login.ts'
import { ocservConfigCommand } from './ocserv-config.ts'
import { serveCommand } from './serve.ts'
import { sessionListCommand } from './session-list.ts'
import { storageCopyCommand } from './storage-copy.ts'
import { tokenCreateCommand } from './token-create.ts'
import { tokenListCommand } from './token-list.ts'
import { tokenRevokeCommand } from './token-revoke.ts'
import { totpEnrolCommand } from './totp-enrol.ts'
import { totpRevokeCommand } from './totp-revoke.ts'
import { userAddCommand } from './user-add.ts'
import { userEnableCommands } from './user-enable.ts'
import { userImportCommand } from './user-import.ts'
import { userListCommand } from './user-list.ts'
import { userPasswdCommand } from './user-passwd.ts'
import { userRemoveCommand } from './user-remove.ts'

/** What the operator typed was wrong, or what it asked for could not be done. */
const FAILED = 1

/** @param argv as `process.argv`. @returns the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  const program = build()
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

function build(): Command {
  const program = new Command('ocbroker')
    .description(packageFile.description)
    .version(packageFile.version)
    .enablePositionalOptions()
    .exitOverride()
  program.addCommand(serveCommand())
  program.addCommand(checkCommand())
  program.addCommand(
    group('user', 'users that the broker itself knows', [
      userAddCommand(),
      userListCommand(),
      userPasswdCommand(),
      ...userEnableCommands(),
      userRemoveCommand(),
      userImportCommand(),
    ]),
  )
  program.addCommand(group('totp', 'authenticators', [totpEnrolCommand(), totpRevokeCommand()]))
  program.addCommand(inviteCommand())
  program.addCommand(group('lockout', 'who is locked out', [lockoutListCommand(), lockoutReleaseCommand()]))
  program.addCommand(group('session', 'VPN sessions', [sessionListCommand()]))
  program.addCommand(
    group('token', 'tokens of the HTTP API', [
      tokenCreateCommand(),
      tokenListCommand(),
      tokenRevokeCommand(),
    ]),
  )
  program.addCommand(group('storage', 'the database', [storageCopyCommand()]))
  program.addCommand(auditCommand())
  program.addCommand(explainCommand())
  program.addCommand(doctorCommand())
  program.addCommand(loginCommand())
  program.addCommand(ocservConfigCommand())
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
