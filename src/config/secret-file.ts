import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { Secret } from '../domain/secret.ts'
import { CONTAINER_SECRETS, isAmong } from './container-secrets.ts'
import { Slip } from './fault.ts'
import { systemCode, systemWords } from './system-words.ts'

const LONGEST_SECRET_FILE = 4096
const OTHERS = 0o007

/**
 * Reads a secret that has a file to itself; one line break at its end is not part of it. The group may read the file;
 * others may not, except where a container's secrets are mounted.
 * @param path absolute. @param shared folders, with a slash at the end, whose files others may read.
 * @param remedy what to do where there is no such file.
 */
export async function readSecretFile(
  path: string,
  shared: readonly string[] = CONTAINER_SECRETS,
  remedy = `run: (umask 027; head -c 24 /dev/urandom | base64 > ${path}), and give ocserv the same secret`,
): Promise<Secret | Slip> {
  let file: FileHandle
  try {
    // Without O_NONBLOCK a named pipe in this place would keep the start waiting for ever.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    return new Slip(
      `${path} cannot be read: ${systemWords(error)}`,
      systemCode(error) === 'ENOENT' ? remedy : undefined,
    )
  }
  try {
    const facts = await file.stat()
    if (!facts.isFile()) return new Slip(`${path} is not a file`)
    if ((facts.mode & OTHERS) !== 0 && !isAmong(shared, path))
      return new Slip(`${path} is open to every user of this machine`, `run: chmod o= ${path}`)
    if (facts.size > LONGEST_SECRET_FILE) return new Slip(`${path} is too long for a secret`)
    return secretFrom(path, await file.readFile())
  } catch (error) {
    return new Slip(`${path} cannot be read: ${systemWords(error)}`)
  } finally {
    await file.close()
  }
}

function secretFrom(path: string, content: Buffer): Secret | Slip {
  const end = content.at(-1) === 0x0a ? (content.at(-2) === 0x0d ? -2 : -1) : content.length
  const secret = content.subarray(0, end)
  if (secret.length === 0) return new Slip(`${path} is empty`)
  if (secret.some((octet) => octet < 0x20)) return new Slip(`${path} holds more than one line of text`)
  return new Secret(secret)
}
