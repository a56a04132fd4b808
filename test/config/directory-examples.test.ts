import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { buildIdentities } from '../../src/app/identities.ts'
import { SYSTEM_RUNTIME } from '../../src/domain/runtime.ts'
import { load } from './loading.ts'

for (const name of ['ldap.yaml', 'active-directory.yaml'])
  test(`the example ${name} has neither faults nor warnings, and its stores can be made`, async () => {
    const example = fileURLToPath(new URL(`../../config/${name}`, import.meta.url))
    const loaded = await load(readFileSync(example), (folder) => {
      for (const secret of ['gw1.secret', 'corp.password'])
        writeFileSync(folder.file(secret), 'a-secret-of-good-length\n', { mode: 0o600 })
      writeFileSync(folder.file('corp-ca.pem'), '-----BEGIN CERTIFICATE-----\n')
    })
    if ('faults' in loaded) throw new Error(JSON.stringify(loaded.faults))
    expect(loaded.warnings).toEqual([])
    // Filters, templates and names are read here.
    const identities = await buildIdentities(loaded.config, SYSTEM_RUNTIME)
    expect(identities.members.map(({ store }) => store.name)).toEqual(['corp'])
    await identities.close()
  })
