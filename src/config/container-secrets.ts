/**
 * Docker and Podman mount secrets here for one container alone, readable by everybody inside it unless told
 * otherwise; there is nobody else inside. With a slash at the end.
 */
export const CONTAINER_SECRETS: readonly string[] = ['/run/secrets/', '/var/run/secrets/']

/** Whether others may read the file because of where it is. @param path absolute. */
export function isAmong(folders: readonly string[], path: string): boolean {
  return folders.some((folder) => path.startsWith(folder))
}
