import { Secret } from '../domain/secret.ts'
import { ValueError } from '../schema/config-error.ts'
import { CONTAINER_SECRETS, FileError, isOpenTo, readSmallFile } from './small-file.ts'

const MAX_FILE_OCTETS = 4096
const OTHERS = 0o007

/**
 * Reads a file that holds one secret; a line break at its end is not part of the secret. The group may read the file.
 * @param path absolute. @param openFolders with a slash at the end: their files may also be readable by others.
 * @param remedy what to do if there is no such file.
 */
export async function readSecretFile(
  path: string,
  openFolders: readonly string[] = CONTAINER_SECRETS,
  remedy = `write the secret into it: (umask 027; cat > ${path})`,
): Promise<Secret | ValueError> {
  const file = await readSmallFile(path, MAX_FILE_OCTETS)
  if (file instanceof ValueError)
    return file instanceof FileError && file.isMissing ? new ValueError(file.problem, remedy) : file
  if (isOpenTo(OTHERS, file.mode, path, openFolders))
    return new ValueError(`${path} is open to every user of this machine`, `run: chmod o= ${path}`)
  const { content } = file
  const end = content.at(-1) === 0x0a ? (content.at(-2) === 0x0d ? -2 : -1) : content.length
  const secret = content.subarray(0, end)
  if (secret.length === 0) return new ValueError(`${path} is empty`)
  if (secret.some((octet) => octet < 0x20)) return new ValueError(`${path} holds more than one line of text`)
  return new Secret(secret)
}
