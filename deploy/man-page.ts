import type { Option } from 'commander'
import packageFile from '../package.json' with { type: 'json' }
import { allVerbs, isCommon, type Verb } from './verbs.ts'

const EXPLAINED = [
  [
    '--config FILE',
    'The configuration. By default /etc/ocbroker/broker.yaml where it exists, otherwise config/broker.yaml in the present folder, unless OCBROKER_CONFIG names another.',
  ],
  ['--json', 'Print JSON.'],
  [
    '--lang TAG',
    'The language of help and of what doctor finds: en or zh-CN. By default that of LC_ALL, LC_MESSAGES or LANG.',
  ],
  ['-h, --help', 'Show how the command is called.'],
] as const

const FILES = [
  ['/etc/ocbroker/broker.yaml', 'The configuration; every setting is explained in it.'],
  ['/var/lib/ocbroker/broker.db', 'The records, unless they are in PostgreSQL.'],
  [
    '/var/lib/ocbroker/seed.key',
    'The keys that encrypt the seeds of authenticators. Without them every user has to enrol again.',
  ],
  ['/var/lib/ocbroker/accounting', 'Accounting that the records could not take yet.'],
] as const

/** The manual of the command, ocbroker(8), in the macros of man(7), from what `--help` says. */
export async function manPage(): Promise<string> {
  const verbs = await allVerbs()
  const lines = [
    `.TH OCBROKER 8 "" "ocbroker ${packageFile.version}" "System administration"`,
    '.SH NAME',
    'ocbroker \\- authentication broker for ocserv',
    '.SH SYNOPSIS',
    '.B ocbroker',
    '.I command',
    '.RI [ argument ...]',
    '.RI [ option ...]',
    '.SH DESCRIPTION',
    text(packageFile.description),
    '.SH COMMANDS',
    ...verbs.flatMap(verbLines),
    '.SH OPTIONS OF ALL COMMANDS',
    ...EXPLAINED.flatMap(([flags, about]) => item(flags, about)),
    text('The agent runs on a gateway and takes no configuration.'),
    '.SH EXIT STATUS',
    text(
      '0 where the command did what it was told; 1 where it did not, with the reason on standard error. doctor ends with 1 where it found a fault.',
    ),
    '.SH FILES',
    ...FILES.flatMap(([file, about]) => item(file, about)),
    '.SH SEE ALSO',
    '.BR ocserv (8),',
    '.BR openconnect (8)',
  ]
  return `${lines.join('\n')}\n`
}

function verbLines({ name, command, options }: Verb): readonly string[] {
  return [
    `.SS ${text(`${name} ${command.usage()}`)}`,
    text(sentence(command.description())),
    ...command.registeredArguments
      .filter(({ description }) => description !== '')
      .flatMap((argument) => item(argument.name(), sentence(argument.description))),
    ...options
      .filter((option) => !isCommon(option))
      .flatMap((option) => item(option.flags, aboutOption(option))),
  ]
}

function aboutOption({ description, argChoices, defaultValue, envVar }: Option): string {
  const more = [
    ...(argChoices === undefined ? [] : [`One of ${argChoices.join(', ')}.`]),
    ...(['string', 'number'].includes(typeof defaultValue) ? [`By default ${defaultValue}.`] : []),
    ...(envVar === undefined ? [] : [`Also as ${envVar} in the environment.`]),
  ]
  return [sentence(description), ...more].join(' ')
}

function item(term: string, about: string): readonly string[] {
  return ['.TP', `.B ${text(term)}`, text(about)]
}

function sentence(words: string): string {
  if (words === '') return ''
  // A list of choices begins with the first of them.
  const start = /^\w+:/.test(words) ? words.charAt(0) : words.charAt(0).toUpperCase()
  return `${start}${words.slice(1)}${/[.:?]$/.test(words) ? '' : '.'}`
}

/** Words that troff shows as they are: a hyphen that can be copied, and no request at the beginning of a line. */
function text(words: string): string {
  const shown = words.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('\n', ' ')
  return /^[.']/.test(shown) ? `\\&${shown}` : shown
}
