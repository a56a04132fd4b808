import { type FileHandle, open, rm } from 'node:fs/promises'
import { systemCode, systemMessage } from '../config/small-file.ts'
import { OperatorError } from '../domain/errors.ts'
import { invitationFile } from '../http/api/invitation-file.ts'
import { type Invited, isInvitee, type NotInvited } from '../manage/inviting-many.ts'
import type { SheetDocumentOptions } from '../web/sheets/document.ts'
import { NOT_INVITED } from './not-invited.ts'

/** Where invitations go. Each is given to all outputs before the next one is made. */
export interface InvitationOutput {
  /** For messages: `--csv invitations.csv`. */
  readonly name: string
  take(each: Invited | NotInvited): Promise<void>
  /** Writes what waits. */
  end(): Promise<void>
  /** In place of `end` where there was nobody. */
  discard?(): Promise<void>
}

/** A table with whoever was invited and whoever was not. @throws OperatorError where the file cannot be made. */
export async function csvOutput(path: string): Promise<InvitationOutput> {
  const file = await newFile('--csv', path)
  const form = invitationFile((why) => NOT_INVITED[why])
  await file.write(form.head)
  return {
    name: `--csv ${path}`,
    take: async (each) => void (await file.write(form.lineOf(each))),
    end: () => finish(file),
    discard: () => remove(file, path),
  }
}

/** A document to print. @throws OperatorError where the file cannot be made. */
export async function sheetsOutput(path: string, options: SheetDocumentOptions): Promise<InvitationOutput> {
  // Help and most calls start faster without it.
  const { SheetDocument } = await import('../web/sheets/document.ts')
  const file = await newFile('--sheets', path)
  const sheets = new SheetDocument(options)
  await file.write(sheets.head)
  let leaf: Invited[] = []
  const writeLeaf = async () => {
    if (leaf.length > 0) await file.write(sheets.leafOf(leaf))
    leaf = []
  }
  return {
    name: `--sheets ${path}`,
    async take(each) {
      if (!isInvitee(each)) return
      leaf.push(each)
      if (leaf.length === options.perPage) await writeLeaf()
    },
    async end() {
      await writeLeaf()
      await file.write(sheets.foot)
      await finish(file)
    },
    discard: () => remove(file, path),
  }
}

/** The codes in it are worth as much as passwords, and those of an earlier file are not overwritten. */
async function newFile(option: string, path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx', 0o600)
  } catch (error) {
    const isThere = systemCode(error) === 'EEXIST'
    const cause = isThere ? 'is there already; name another file' : `cannot be made: ${systemMessage(error)}`
    throw new OperatorError(`${option}: ${path} ${cause}`)
  }
}

async function finish(file: FileHandle): Promise<void> {
  await file.sync()
  await file.close()
}

async function remove(file: FileHandle, path: string): Promise<void> {
  await file.close()
  await rm(path, { force: true })
}
