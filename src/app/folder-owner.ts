import { statSync } from 'node:fs'
import { chown } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { StorageConfig } from '../config/sections/storage.ts'

export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** The folder whose owner the broker runs as. */
export function storageFolder({ sqlite, postgres, keyFile }: StorageConfig): string {
  return dirname(postgres === undefined ? sqlite : keyFile)
}

/** The owner of a folder; of the nearest one above it that exists, if it does not. */
export function ownerOf(folder: string): Owner {
  const path = resolve(folder)
  return statSync(path, { throwIfNoEntry: false }) ?? ownerOf(dirname(path))
}

/** Gives a file that root has made to the account that is to use it; does nothing for others than root. */
export async function giveToOwner(file: string, { uid, gid }: Owner): Promise<void> {
  if (process.geteuid?.() === 0) await chown(file, uid, gid)
}

/** The account to which the folder belongs. @returns undefined unless this is root and the folder another's. */
export function otherOwnerOf(folder: string): Owner | undefined {
  if (process.geteuid?.() !== 0) return undefined
  const owner = ownerOf(folder)
  return owner.uid === 0 ? undefined : owner
}

/**
 * Does what may make files, as the owner of the folder if root has called: the broker, which is not root, has to write
 * them later. What SQLite adds later takes over the owner of its database.
 */
export async function asOwnerOf<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const owner = otherOwnerOf(folder)
  if (owner === undefined) return work()
  const groups = process.getgroups?.() ?? []
  const gid = process.getegid?.() ?? 0
  process.setgroups?.([owner.gid])
  process.setegid?.(owner.gid)
  process.seteuid?.(owner.uid)
  try {
    return await work()
  } finally {
    process.seteuid?.(0)
    process.setegid?.(gid)
    process.setgroups?.(groups)
  }
}
