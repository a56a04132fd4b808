import type { Command, Option } from 'commander'
import { wholeProgram } from '../src/cli/program.ts'

/** A command that can be run: `user add`. */
export interface Verb {
  readonly name: string
  readonly command: Command
  readonly options: readonly Option[]
}

/** Options that nearly every command has. */
const COMMON = ['--config', '--json']

export function isCommon({ long }: Option): boolean {
  return COMMON.includes(long ?? '')
}

/** All of them, in the order of the help. */
export async function allVerbs(): Promise<readonly Verb[]> {
  return verbsOf(await wholeProgram())
}

function verbsOf(parent: Command, before: readonly string[] = []): readonly Verb[] {
  return parent.commands.flatMap((command) => {
    const path = [...before, command.name()]
    if (command.commands.length > 0) return verbsOf(command, path)
    const options = command.options.filter(({ hidden }) => !hidden)
    return [{ name: path.join(' '), command, options }]
  })
}
