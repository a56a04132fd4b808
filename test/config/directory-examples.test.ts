import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { buildIdentities } from '../../src/broker-identity.ts'
import { systemClock } from '../../src/domain/clock.ts'
import { quietLog } from '../../src/domain/log.ts'
import { systemRandom } from '../../src/domain/random.ts'
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
    const surroundings = { clock: systemClock, random: systemRandom, log: quietLog }
    // Filters, templates and names are read here.
    const identities = buildIdentities(loaded.config, surroundings)
    expect(identities.members.map(({ store }) => store.name)).toEqual(['corp'])
    await identities.close()
  })
