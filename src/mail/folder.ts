import { mkdir, open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { folderFault } from './faults.ts'
import { type Letter, NotTaken, type Outlet } from './outlet.ts'
import { rawMail } from './raw-mail.ts'

/** Each mail becomes a file: `ID.eml`. One that comes a second time takes the place of the first. */
export function folderOutlet(folder: string): Outlet {
  const make = () => mkdir(folder, { recursive: true, mode: 0o700 })
  return {
    send: (letter) => guarded(folder, () => write(letter)),
    check: () => guarded(folder, make).then(() => undefined),
    close() {},
  }

  async function write(letter: Letter): Promise<string> {
    const content = await rawMail(letter)
    await make()
    const [id = ''] = letter.messageId.split('@')
    const path = join(folder, `${id}.eml`)
    await using file = await open(`${path}.part`, 'w', 0o600)
    await file.writeFile(content)
    await file.sync()
    await rename(`${path}.part`, path)
    return path
  }
}

async function guarded<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof NotTaken) throw error
    throw folderFault(error, folder)
  }
}
