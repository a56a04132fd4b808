import type { Argument, Option } from 'commander'
import { allVerbs, type Verb } from './verbs.ts'

/** What names a file, in the help. */
const FILE = /<(?:file|folder|path)>/

/** Completes verbs, options, choices and files in bash, from what `--help` says. */
export async function bashCompletion(): Promise<string> {
  const verbs = await allVerbs()
  const first = [...new Set(verbs.map(({ name }) => name.split(' ')[0] ?? ''))]
  const groups = first.filter((name) => !verbs.some((verb) => verb.name === name))
  const seconds = (group: string) =>
    verbs.filter(({ name }) => name.startsWith(`${group} `)).map(({ name }) => name.split(' ')[1] ?? '')
  return `# Completion of ocbroker for bash.
_ocbroker() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} verb=\${COMP_WORDS[1]} words= files=
  local at=1
  case $verb in ${groups.join('|')}) at=2 ;; esac
  if [ "$COMP_CWORD" -eq 1 ]; then words='${[...first, 'help'].join(' ')}'
  elif [ "$COMP_CWORD" -eq "$at" ]; then
    case $verb in
${groups.map((group) => `      ${group}) words='${seconds(group).join(' ')}' ;;`).join('\n')}
    esac
  else
    if [ "$at" -eq 2 ]; then verb="$verb \${COMP_WORDS[2]}"; fi
    case "$verb $before" in
${verbs.flatMap(valueCases).join('\n')}
      *) case $verb in
${verbs.map(verbCase).join('\n')}
      esac ;;
    esac
    case $word in -*) files= ;; *) if [ -n "$files" ]; then words=; fi ;; esac
  fi
  COMPREPLY=()
  if [ -n "$words" ]; then mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word"); fi
  if [ -n "$files" ]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  fi
}
complete -F _ocbroker ocbroker
`
}

/** What may follow an option that takes a value. */
function valueCases({ name, options }: Verb): readonly string[] {
  const indent = '      '
  return options
    .filter((option) => option.required || option.optional)
    .map((option) => `${indent}'${name} ${option.long}') ${completing(option)} ;;`)
}

function completing({ argChoices, flags }: Option): string {
  if (argChoices !== undefined) return `words='${argChoices.join(' ')}'`
  return FILE.test(flags) ? 'files=1' : ':'
}

function verbCase({ name, command, options }: Verb): string {
  const flags = [...options.map(({ long }) => long), '--help'].join(' ')
  const takesFile = command.registeredArguments.some((argument: Argument) => /file$/.test(argument.name()))
  return `        '${name}') words='${flags}'${takesFile ? ' files=1' : ''} ;;`
}
