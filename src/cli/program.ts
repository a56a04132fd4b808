import { Command, CommanderError } from 'commander'
import packageFile from '../../package.json' with { type: 'json' }
import { asOperatorError, OperatorError, Unavailable } from '../domain/errors.ts'
import { spelledOut } from '../domain/hidden-characters.ts'
import type { Locale } from '../domain/locale.ts'
import { showHelpIn } from './help-in.ts'
import { LANGUAGE_OPTION, languageOf } from './language.ts'

/** @param argv as `process.argv`. @returns the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  try {
    const { language, rest } = languageOf(argv.slice(2), process.env)
    const [first, second] = rest[0] === 'help' ? rest.slice(1) : rest
    const program = await build(language, first, second)
    explainWrongCalls(program)
    await showHelpIn(language, program)
    await program.parseAsync(rest, { from: 'user' })
    return 0
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode
    // What cannot be reached says so itself, whenever it was found out.
    const error = thrown instanceof Unavailable ? asOperatorError(thrown) : thrown
    if (error instanceof OperatorError) {
      if (error.message !== '') process.stderr.write(`${linesOf(error.message.trimEnd())}\n`)
      return error.exitCode
    }
    throw error
  }
}

/** A message may hold what a store sent. */
function linesOf(message: string): string {
  return message.split('\n').map(spelledOut).join('\n')
}

type Load = (language: Locale) => Promise<Command>

type Verb =
  | { readonly about: string; readonly load: Load }
  | { readonly about: string; readonly verbs: Readonly<Record<string, Load>> }

/** By the first word of the call. Only the module of that verb is loaded: the server alone takes half a second. */
const VERBS: Readonly<Record<string, Verb>> = {
  serve: {
    about: 'run the broker until SIGTERM or SIGINT',
    load: async () => (await import('./serve.ts')).serveCommand(),
  },
  reload: {
    about: 'let the running broker take its configuration again, and say what came of it',
    load: async () => (await import('./reload.ts')).reloadCommand(),
  },
  check: {
    about: 'read the configuration and tell everything that is wrong with it',
    load: async () => (await import('./check.ts')).checkCommand(),
  },
  user: {
    about: 'users that the broker itself knows',
    verbs: {
      add: async () => (await import('./user-add.ts')).userAddCommand(),
      list: async () => (await import('./user-list.ts')).userListCommand(),
      passwd: async () => (await import('./user-passwd.ts')).userPasswdCommand(),
      'password-link': async () => (await import('./user-password-link.ts')).userPasswordLinkCommand(),
      enable: async () => (await import('./user-enable.ts')).userEnableCommand(true),
      disable: async () => (await import('./user-enable.ts')).userEnableCommand(false),
      remove: async () => (await import('./user-remove.ts')).userRemoveCommand(),
      mail: async () => (await import('./user-mail.ts')).userMailCommand(),
      import: async () => (await import('./user-import.ts')).userImportCommand(),
    },
  },
  totp: {
    about: 'authenticators',
    verbs: {
      enrol: async () => (await import('./totp-enrol.ts')).totpEnrolCommand(),
      revoke: async () => (await import('./totp-revoke.ts')).totpRevokeCommand(),
      export: async () => (await import('./totp-export.ts')).totpExportCommand(),
    },
  },
  enrolment: {
    about: 'who has a second factor, and who has not',
    verbs: {
      list: async () => (await import('./enrolment-list.ts')).enrolmentListCommand(),
    },
  },
  trust: {
    about: 'networks from which users need no code for some time',
    verbs: {
      list: async () => (await import('./trust-list.ts')).trustListCommand(),
      revoke: async () => (await import('./trust-revoke.ts')).trustRevokeCommand(),
    },
  },
  invite: {
    about: 'let users enrol an authenticator at the portal: makes one-time codes, shown this once',
    load: async () => (await import('./invite.ts')).inviteCommand(),
  },
  mail: {
    about: 'mails to users',
    verbs: {
      test: async () => (await import('./mail-test.ts')).mailTestCommand(),
      list: async () => (await import('./mail-list.ts')).mailListCommand(),
    },
  },
  lockout: {
    about: 'who is locked out',
    verbs: {
      list: async () => (await import('./lockout-list.ts')).lockoutListCommand(),
      release: async () => (await import('./lockout-release.ts')).lockoutReleaseCommand(),
    },
  },
  session: {
    about: 'VPN sessions',
    verbs: {
      list: async () => (await import('./session-list.ts')).sessionListCommand(),
      end: async () => (await import('./session-end.ts')).sessionEndCommand(),
      export: async () => (await import('./session-export.ts')).sessionExportCommand(),
    },
  },
  usage: {
    about: 'what was used, by user, gateway, policy or day',
    load: async () => (await import('./usage.ts')).usageCommand(),
  },
  quota: {
    about: 'how much users may use',
    verbs: {
      show: async () => (await import('./quota-show.ts')).quotaShowCommand(),
      add: async () => (await import('./quota-add.ts')).quotaAddCommand(),
    },
  },
  pool: {
    about: 'addresses that policies give',
    verbs: {
      list: async () => (await import('./pool-list.ts')).poolListCommand(),
      release: async () => (await import('./pool-release.ts')).poolReleaseCommand(),
    },
  },
  token: {
    about: 'tokens of the HTTP API',
    verbs: {
      create: async () => (await import('./token-create.ts')).tokenCreateCommand(),
      list: async () => (await import('./token-list.ts')).tokenListCommand(),
      revoke: async () => (await import('./token-revoke.ts')).tokenRevokeCommand(),
    },
  },
  storage: {
    about: 'the database',
    verbs: {
      copy: async () => (await import('./storage-copy.ts')).storageCopyCommand(),
    },
  },
  backup: {
    about: 'write records, configuration and keys into one file, while the broker runs',
    load: async () => (await import('./backup.ts')).backupCommand(),
  },
  restore: {
    about: 'put back what is in the file of a backup: all of it, or nothing',
    load: async () => (await import('./restore.ts')).restoreCommand(),
  },
  audit: {
    about: 'show what happened, newest first',
    load: async () => (await import('./audit.ts')).auditCommand(),
  },
  explain: {
    about:
      'what a login of the user would come to now, or what a past one came to, and why; looks at no password',
    load: async () => (await import('./explain.ts')).explainCommand(),
  },
  doctor: {
    about: 'look at everything that logins need, and say what to do; changes nothing',
    load: async (language) => (await import('./doctor.ts')).doctorCommand(language),
  },
  login: {
    about: 'log in as ocserv would, over RADIUS to the running broker, and show the reply',
    load: async () => (await import('./login.ts')).loginCommand(),
  },
  agent: {
    about: 'run beside ocserv: end sessions for the broker, and tell it which there are',
    load: async () => (await import('./agent.ts')).agentCommand(),
  },
  'ocserv-config': {
    about: 'print what ocserv and radcli on a gateway need in order to ask this broker',
    load: async () => (await import('./ocserv-config.ts')).ocservConfigCommand(),
  },
}

/** The program with all that it can do, for its manual and for shells. */
export async function wholeProgram(): Promise<Command> {
  const program = emptyProgram()
  for (const [name, verb] of Object.entries(VERBS)) {
    const verbs = 'verbs' in verb ? Object.entries(verb.verbs) : []
    program.addCommand('load' in verb ? await loaded(verb, 'en') : await group(name, verb.about, verbs, 'en'))
  }
  return program
}

/** @param first and @param second words after the program: they name the verb. */
async function build(
  language: Locale,
  first: string | undefined,
  second: string | undefined,
): Promise<Command> {
  const program = emptyProgram()
  for (const [name, verb] of named(VERBS, first)) {
    const isTyped = name === first
    if ('verbs' in verb)
      program.addCommand(await group(name, verb.about, isTyped ? named(verb.verbs, second) : [], language))
    else if (isTyped) program.addCommand(await loaded(verb, language))
    // Only for the list in the help.
    else program.command(name).description(verb.about)
  }
  return program
}

function emptyProgram(): Command {
  return new Command('ocbroker')
    .description(packageFile.description)
    .version(packageFile.version)
    .option(...LANGUAGE_OPTION)
    .enablePositionalOptions()
    .exitOverride()
}

async function loaded(
  { about, load }: { readonly about: string; readonly load: Load },
  language: Locale,
): Promise<Command> {
  return (await load(language)).description(about)
}

/** The one of that name, or all. */
function named<T>(
  table: Readonly<Record<string, T>>,
  name: string | undefined,
): readonly (readonly [string, T])[] {
  const one = name !== undefined && Object.hasOwn(table, name) ? table[name] : undefined
  return name === undefined || one === undefined ? Object.entries(table) : [[name, one]]
}

async function group(
  name: string,
  about: string,
  verbs: readonly (readonly [string, Load])[],
  language: Locale,
): Promise<Command> {
  const parent = new Command(name).description(about).exitOverride()
  for (const [, load] of verbs) parent.addCommand(await load(language))
  return parent
}

/** Makes every command explain a wrong call. A command that is added does not inherit that from its parent. */
function explainWrongCalls(command: Command): void {
  command.showHelpAfterError('(see --help)').configureOutput({
    outputError: (message, write) => write(withoutValues(message)),
  })
  for (const verb of command.commands) explainWrongCalls(verb)
}

/** An unknown option may hold a secret that belongs at a prompt: `--password=…`. */
function withoutValues(message: string): string {
  return message.replaceAll(/(--[^\s=']+)=[^']*/g, '$1=***')
}
