import { mkdir, open, rm } from 'node:fs/promises'
import { messageOf, OperatorError } from '../domain/errors.ts'
import { undoOnSignal } from './undo-on-signal.ts'

const ONLY_THE_CALLER = 0o600
const FOLDER_OF_THE_CALLER = 0o700

/**
 * Makes a file that only the caller can read, from its first octet on. What is there is never overwritten, and what was
 * begun is removed where the work fails or is given up.
 * @param ready awaited when the whole text is on the disk. @throws OperatorError
 */
export async function writePrivateFile(
  path: string,
  text: string,
  ready: () => Promise<void>,
): Promise<void> {
  await using undo = new AsyncDisposableStack()
  using _ = undoOnSignal(undo)
  const file = await made(path, () => open(path, 'wx', ONLY_THE_CALLER))
  undo.defer(() => rm(path, { force: true }))
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await ready()
  undo.move()
}

/**
 * The same for a folder, whose files have their own paths in it. @param files text by path, `NAME/FILE`.
 * @throws OperatorError
 */
export async function writePrivateFolder(
  path: string,
  files: ReadonlyMap<readonly [folder: string, file: string], string>,
  ready: () => Promise<void>,
): Promise<void> {
  await using undo = new AsyncDisposableStack()
  using _ = undoOnSignal(undo)
  await made(path, () => mkdir(path, FOLDER_OF_THE_CALLER))
  undo.defer(() => rm(path, { recursive: true, force: true }))
  for (const [[folder, name], text] of files) {
    await mkdir(`${path}/${folder}`, FOLDER_OF_THE_CALLER)
    await writePrivateFile(`${path}/${folder}/${name}`, text, async () => {})
  }
  await ready()
  undo.move()
}

async function made<T>(path: string, make: () => Promise<T>): Promise<T> {
  try {
    return await make()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST')
      throw new OperatorError(`${path} is there already, and is not overwritten: name another`)
    throw new OperatorError(`${path} cannot be made: ${messageOf(error)}`)
  }
}
