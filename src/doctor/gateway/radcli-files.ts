import { stat } from 'node:fs/promises'
import { messageOf } from '../../domain/errors.ts'
import { type Finding, fault, notApplicable, ok, warning } from '../finding.ts'
import { readDictionary } from './dictionary-file.ts'
import { type GatewayCheck, NO_RADIUS } from './gateway-check.ts'
import type { GatewayHost, Radcli } from './gateway-host.ts'

/** Permissions of everybody but the owner. */
const OTHERS = 0o077

/** Whether radcli takes its configuration; otherwise ocserv says "radius initialization error" and does not start. */
export const checkRadcliSyntax: GatewayCheck = async (host) =>
  overFiles(host, ({ file, faults }) =>
    faults.length === 0
      ? [ok(file, 'radcli takes every line')]
      : faults.map(({ line, problem, remedy, stops }) =>
          fault(
            line === 0 ? file : `${file}, line ${line}`,
            stops ? `${problem}: ocserv does not start` : problem,
            remedy,
          ),
        ),
  )

/** Whether the files that radiusclient.conf names are there, and the secrets for root alone. */
export const checkRadcliFiles: GatewayCheck = async (host) =>
  overFiles(host, async ({ file, values }) => {
    const servers = values.get('servers') ?? ''
    const dictionary = values.get('dictionary')
    return [...(await serversFindings(file, servers)), ...(await dictionaryFindings(dictionary))]
  })

async function overFiles(
  host: GatewayHost,
  look: (radcli: Radcli) => readonly Finding[] | Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  const methods = [await host.radius('auth'), await host.radius('acct')]
  if (methods[0] === undefined) return [notApplicable('radiusclient.conf', NO_RADIUS)]
  const findings: Finding[] = []
  const seen = new Set<string>()
  for (const service of ['auth', 'acct'] as const) {
    const config = methods[service === 'auth' ? 0 : 1]?.config
    if (config === undefined || seen.has(config)) continue
    seen.add(config)
    const radcli = await host.radcli(service).catch((error: unknown) => messageOf(error))
    if (typeof radcli === 'string') findings.push(fault(config, `${radcli}: ocserv does not start`))
    else if (radcli !== undefined) findings.push(...(await look(radcli)))
  }
  return findings
}

async function serversFindings(file: string, servers: string): Promise<readonly Finding[]> {
  if (servers === '')
    return [fault(file, 'names no servers file: every login is denied', 'servers /etc/radcli/servers')]
  try {
    const { mode } = await stat(servers)
    if ((mode & OTHERS) === 0) return [ok(servers, 'is for its owner alone')]
    return [warning(servers, 'shows the shared secret to others than its owner', `chmod 600 ${servers}`)]
  } catch (error) {
    return [fault(servers, `${messageOf(error)}: every login is denied`, `write it: BROKER SECRET`)]
  }
}

async function dictionaryFindings(dictionary: string | undefined): Promise<readonly Finding[]> {
  if (dictionary === undefined) return []
  const { faults } = await readDictionary(dictionary)
  if (faults.length === 0) return [ok(dictionary, 'is there with all that it includes')]
  return faults.map(({ file, problem }) =>
    fault(
      dictionary,
      file === dictionary
        ? `${problem}: ocserv does not start`
        : `it includes ${file}, which cannot be read (${problem}): ocserv does not start`,
      file === dictionary ? 'dictionary /etc/radcli/dictionary' : `remove the line $INCLUDE ${file}`,
    ),
  )
}
