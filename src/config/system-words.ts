const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'a part of the path is not a folder',
  EACCES: 'the broker may not read it',
  EPERM: 'the system does not permit it',
  EISDIR: 'it is a folder',
  ELOOP: 'its symbolic links lead in a circle',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EEXIST: 'a part of the path is a file',
}

/** What the operating system refused, in words. */
export function systemWords(error: unknown): string {
  const code = systemCode(error)
  return WORDS[code] ?? (code === '' ? String(error) : code)
}

/** `ENOENT` and its like; empty for an error that is not the operating system's. */
export function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}
