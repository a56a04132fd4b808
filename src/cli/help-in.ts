import { type Argument, type Command, Help, type Option } from 'commander'
import type { Locale } from '../domain/locale.ts'
import { columnsOf } from './output.ts'

/** From an English text of the help to that of another language. */
type Translated = (english: string) => string

const ENGLISH = new Help()
/** What commander adds behind a description, in brackets. */
const DETAILS = /\b(?:choices|default|env): /g
/** Wide characters and words, each with the marks that belong to it: a line may break between two of them. */
const PIECE = /\s*[（“]*(?:[\u2e80-\u2fff\u3040-\u9fff]|[^\s\u2e80-\u9fff\uff00-\uffef]+|.)[，。；：、）”]*/gu

/** Shows the help of the command, and of those below it, in a language. */
export async function showHelpIn(language: Locale, command: Command): Promise<void> {
  if (language === 'en') return
  const file = await import('../../locales/help.zh-CN.json', { with: { type: 'json' } })
  const texts: Readonly<Record<string, string>> = file.default
  translateHelp(command, (english) => texts[english] ?? english)
}

/** Descriptions, and what commander itself says. */
export function translateHelp(command: Command, text: Translated): void {
  const described = (english: string, { description }: Option | Argument) =>
    text(description) + english.slice(description.length).replaceAll(DETAILS, text)
  const usage = (english: string) => english.replaceAll(/\[(?:options|command)\]/g, text)
  command.configureHelp({
    styleTitle: text,
    commandUsage: (shown) => usage(ENGLISH.commandUsage(shown)),
    commandDescription: (shown) => text(shown.description()),
    subcommandTerm: (shown) => usage(ENGLISH.subcommandTerm(shown)),
    subcommandDescription: (shown) => text(shown.description()),
    optionDescription: (option) => described(ENGLISH.optionDescription(option), option),
    argumentDescription: (argument) => described(ENGLISH.argumentDescription(argument), argument),
    displayWidth: columnsOf,
    boxWrap: wrapped,
  })
  for (const verb of command.commands) translateHelp(verb, text)
}

/** Chinese has no blanks at which commander could break a line. */
function wrapped(text: string, width: number): string {
  const lines = ['']
  for (const piece of text.match(PIECE) ?? []) {
    const longer = `${lines.at(-1)}${piece}`
    if (lines.at(-1) === '' || columnsOf(longer) <= width) lines[lines.length - 1] = longer
    else lines.push(piece.trimStart())
  }
  return lines.join('\n')
}
