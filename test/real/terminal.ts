import { type FileHandle, open } from 'node:fs/promises'
import { temporaryFolder } from './folder.ts'
import { outputOf, type RealProcess, thisMachine } from './process.ts'

/** A program at a terminal of its own, with somebody who types. */
export interface Terminal {
  /** `output()` is what the terminal shows, including what the program shows of the typing. */
  readonly process: RealProcess
  type(text: string): Promise<void>
  /** Ends the program where it still runs. */
  close(): Promise<void>
}

/** Starts a program at a pseudo terminal, by util-linux' `script`. */
export async function atTerminal(program: string, args: readonly string[]): Promise<Terminal> {
  const folder = temporaryFolder('terminal')
  const keyboard = folder.file('keyboard')
  await outputOf(thisMachine, 'mkfifo', [keyboard])
  const command = [program, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
  const process = thisMachine.start('sh', [
    '-c',
    'exec script --quiet --flush --return --command "$1" /dev/null < "$2"',
    'sh',
    command,
    keyboard,
  ])
  // Opens when the other side does, and stays open until the end: its end would be Ctrl-D.
  const typing: FileHandle = await open(keyboard, 'w')
  return {
    process,
    type: async (text) => {
      await typing.write(text)
    },
    close: async () => {
      await process.stop()
      await typing.close()
      await folder.remove()
    },
  }
}
