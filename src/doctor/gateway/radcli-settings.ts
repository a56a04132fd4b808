import { type Finding, fault, hint, notApplicable, ok } from '../finding.ts'
import { readDictionary } from './dictionary-file.ts'
import { type GatewayCheck, NO_EXPECTATION, NO_RADIUS } from './gateway-check.ts'
import { runProgram } from './programs.ts'

/** Whether radcli waits longer than the broker may take: ocserv counts a time-out as a wrong password. */
export const checkWait: GatewayCheck = async (host) => {
  const radcli = await host.radcli().catch(() => undefined)
  const timeout = Number.parseInt(radcli?.values.get('radius_timeout') ?? '', 10)
  if (radcli === undefined || !(timeout > 0)) return [notApplicable('radius_timeout', NO_RADIUS)]
  const about = `radius_timeout in ${radcli.file}`
  const { expectation } = host
  if (expectation === undefined) return [notApplicable(about, NO_EXPECTATION)]
  const deadline = expectation.broker.deadlineMs / 1000
  if (timeout <= deadline)
    return [
      fault(
        about,
        `${timeout} s is not more than the broker may take (radius.deadline, ${deadline} s): a slow login fails and counts as a wrong password`,
        `radius_timeout ${Math.ceil(deadline) + 1}`,
      ),
    ]
  const tries = Number.parseInt(radcli.values.get('radius_retries') ?? '', 10) + 1
  const all = timeout * tries * radcli.authServers.length
  const authTimeout = (await host.conf()).main.number('auth-timeout') ?? DEFAULT_AUTH_TIMEOUT
  if (all >= authTimeout)
    return [
      hint(
        about,
        `radcli goes on for ${all} s, longer than a login may take (auth-timeout, ${authTimeout} s)`,
        'radius_retries 2',
      ),
    ]
  return [ok(about, `${timeout} s, ${tries} times`)]
}

const DEFAULT_AUTH_TIMEOUT = 240

/** The first version that signs its requests. */
const SIGNS_SINCE = [1, 5, 0] as const

/** Whether radcli signs requests where the broker requires it. */
export const checkSigning: GatewayCheck = async (host) => {
  const about = 'Message-Authenticator'
  const rule = host.expectation?.entry.messageAuthenticator
  if (rule === undefined) return [notApplicable(about, NO_EXPECTATION)]
  const version = await radcliVersion()
  if (version === undefined) return [notApplicable(about, 'the version of libradcli is not known')]
  const signs = isAtLeast(version, SIGNS_SINCE)
  const name = host.expectation?.gateway
  if (!signs && rule === 'require')
    return [
      fault(
        about,
        `libradcli ${version} signs nothing, and the broker requires it: every login is dropped`,
        `upgrade libradcli to 1.5.0, or in broker.yaml, for ${name}: message_authenticator: auto`,
      ),
    ]
  if (signs && rule === 'off')
    return [
      hint(
        about,
        `libradcli ${version} signs, and the broker does not ask for it`,
        `in broker.yaml, for ${name}: message_authenticator: require`,
      ),
    ]
  return [ok(about, `libradcli ${version} ${signs ? 'signs' : 'signs nothing'}, and the broker has ${rule}`)]
}

/** As the package manager knows it: Debian's, or that of Red Hat and its kin. */
async function radcliVersion(): Promise<string | undefined> {
  for (const [program, args] of [
    ['dpkg-query', ['-W', 'libradcli4']],
    ['rpm', ['-q', 'radcli']],
  ] as const) {
    const asked = await runProgram(program, args)
    const version = asked?.code === 0 ? /[\t-](\d+(?:\.\d+)+)/.exec(asked.stdout)?.[1] : undefined
    if (version !== undefined) return version
  }
  return undefined
}

function isAtLeast(version: string, least: readonly number[]): boolean {
  const parts = version.split('.').map(Number)
  for (const [index, wanted] of least.entries()) {
    const part = parts[index] ?? 0
    if (part !== wanted) return part > wanted
  }
  return true
}

const VENDORS = [
  { number: 311, file: 'dictionary.microsoft', what: 'name servers' },
  { number: 10055, file: 'dictionary.roaringpenguin', what: 'speed limits' },
] as const

/** Whether radcli knows the vendors' attributes that policies send; it leaves others out silently. */
export const checkDictionary: GatewayCheck = async (host) => {
  const radcli = await host.radcli().catch(() => undefined)
  const file = radcli?.values.get('dictionary')
  if (file === undefined) return [notApplicable('dictionary', NO_RADIUS)]
  const { policies } = host.expectation ?? {}
  const { vendors, faults } = await readDictionary(file)
  if (faults.length > 0) return [notApplicable(file, 'it cannot be read: see radcli-files')]
  const needed: Readonly<Record<number, boolean | undefined>> = {
    311: policies?.some(({ dns }) => dns.some((server) => !server.includes(':'))),
    10055: policies?.some(({ hasSpeeds }) => hasSpeeds),
  }
  const missing = VENDORS.filter(({ number }) => !vendors.has(number))
  const findings = missing.flatMap(({ number, file: include, what }): Finding[] => {
    const says = `does not know vendor ${number}: the ${what} of a reply are ignored`
    const remedy = `$INCLUDE /etc/radcli/${include}`
    if (needed[number] === true) return [fault(file, says, remedy)]
    return needed[number] === undefined ? [hint(file, says, remedy)] : []
  })
  return findings.length > 0 ? findings : [ok(file, 'knows what the policies send')]
}

/** Whether the realm that radcli appends is one that the broker knows. */
export const checkRealm: GatewayCheck = async (host) => {
  const radcli = await host.radcli().catch(() => undefined)
  if (radcli === undefined) return [notApplicable('default_realm', NO_RADIUS)]
  const about = `default_realm in ${radcli.file}`
  const realm = (radcli.values.get('default_realm') ?? '').toLowerCase()
  if (realm === '') return [ok(about, 'is empty: names are sent as they are typed')]
  const { expectation } = host
  if (expectation === undefined) return [notApplicable(about, NO_EXPECTATION)]
  const { realms } = expectation.broker
  if (realms.includes(realm)) return [ok(about, `is ${realm}`)]
  return [
    fault(
      about,
      `${realm} is not a realm of the broker, which takes it for a part of each name${realms.length === 0 ? '' : `; it has ${realms.join(', ')}`}`,
      'default_realm',
    ),
  ]
}
