import { writeFileSync } from 'node:fs'
import { type Installation, type InstallOptions, install, type Sections } from './broker.ts'

interface PostgresInstallation extends Pick<InstallOptions, 'place'> {
  /** Of the database, with the password. */
  readonly url: string
  /** As for `install`, `storage` left out. */
  readonly sections?: Sections
  /** More of `storage.postgres`. */
  readonly postgres?: Sections
}

const KEY = `k1:${Buffer.alloc(32, 7).toString('base64')}\n`

/** A broker whose records are in PostgreSQL. All of these have the same key, so that any number can share a database. */
export async function installOnPostgres({
  url,
  place,
  sections = {},
  postgres = {},
}: PostgresInstallation): Promise<Installation> {
  const storage = { postgres: { url_file: 'postgres.url', ...postgres }, key_file: 'seed.key' }
  const installation = await install({ place, sections: { ...sections, storage } })
  writeFileSync(installation.folder.file('postgres.url'), `${url}\n`, { mode: 0o600 })
  writeFileSync(installation.keyFile, KEY, { mode: 0o600 })
  return installation
}
