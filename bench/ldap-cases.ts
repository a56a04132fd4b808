import { findProgram } from '../test/real/programs.ts'
import {
  ADMIN,
  ADMIN_PASSWORD,
  PEOPLE,
  person,
  SLAPD_NEEDS,
  type Slapd,
  startSlapd,
} from '../test/real/slapd.ts'
import { startBarePairs } from './bare-pair-server.ts'
import { startBroker } from './broker-server.ts'
import { baseline, type Case, type Context, PLAIN, type Subject, type Variant } from './case.ts'
import { PASSWORD, userName } from './users.ts'

const FEW = 1000
const MANY = 100_000
const FREERADIUS_LDAP = '/usr/lib/freeradius/rlm_ldap.so'

/** Users in an LDAP directory, which is asked for each of them: a search and a bind. */
export const LDAP_CASES: readonly Case[] = [
  {
    name: 'ldap',
    about: `a whole login of a user of slapd (${MANY} users): search, bind, appended code, limits`,
    operation: 'append',
    inFlight: 64,
    parts: ['login'],
    missing,
    prepare: async (around) => {
      const slapd = await directoryOf(MANY, around)
      return {
        variants: [inFlight(16), inFlight(64), inFlight(128)],
        subjects: [
          await ldapBroker(around, slapd, { users: MANY, mode: 'append' }),
          ...ldapBaseline(around, slapd, { users: MANY, mode: 'append' }),
          // The wall: what a login of this directory costs at least.
          ...(around.compares
            ? [
                {
                  name: 'bare search and bind',
                  start: () => startBarePairs({ port: slapd.port, users: around.size(MANY) }),
                },
              ]
            : []),
        ],
      }
    },
  },
  {
    name: 'ldap-size',
    about: `a search and a bind, no second factor, in a slapd of ${FEW} users and in one of ${MANY}`,
    operation: 'plain',
    inFlight: 64,
    parts: ['login'],
    missing,
    prepare: async (around) => {
      const small = await directoryOf(FEW, around)
      const large = await directoryOf(MANY, around)
      return {
        variants: PLAIN,
        subjects: [
          await ldapBroker(around, large, { users: MANY, mode: 'none' }),
          await ldapBroker(around, small, { users: FEW, mode: 'none' }),
          ...ldapBaseline(around, large, { users: MANY, mode: 'none' }),
          ...ldapBaseline(around, small, { users: FEW, mode: 'none' }),
        ],
      }
    },
  },
]

function inFlight(clients: number): Variant {
  return { label: `${clients} in flight`, inFlight: clients }
}

function missing(): string | undefined {
  const programs = SLAPD_NEEDS.filter((program) => findProgram(program) === undefined)
  return programs.length === 0 ? undefined : `${programs.join(', ')} (Debian: slapd, ldap-utils)`
}

interface Site {
  readonly users: number
  readonly mode: 'append' | 'none'
}

function ldapBaseline(around: Context, slapd: Slapd, { users, mode }: Site): readonly Subject[] {
  if (around.freeradius !== undefined && findProgram(FREERADIUS_LDAP) === undefined) {
    around.progress(
      'FreeRADIUS has no module for LDAP (Debian: freeradius-ldap), so nothing is compared with it',
    )
    return []
  }
  const options = { mode, passwords: { ldap: slapd } } as const
  return [
    ...baseline({ ...around, users: around.size(users) }, options, `rlm_ldap, ${users} users`),
    // The broker cannot answer before the login is on the disk.
    ...(mode === 'none'
      ? []
      : baseline(
          { ...around, users: around.size(users) },
          { ...options, logins: 'sqlite' },
          'rlm_ldap and a row in SQLite',
        )),
  ]
}

async function directoryOf(count: number, around: Context): Promise<Slapd> {
  const users = around.size(count)
  around.progress(`filling a slapd with ${users} users`)
  const entries = Array.from({ length: users }, (_, user) => person(userName(user), PASSWORD))
  const slapd = await startSlapd({ entries })
  around.defer(() => slapd.stop())
  return slapd
}

async function ldapBroker(around: Context, slapd: Slapd, { users: count, mode }: Site): Promise<Subject> {
  const { profiles } = around
  const users = around.size(count)
  const enrolled = mode === 'none' ? 0 : users
  const folder = await around.store(`directory, ${mode}, ${users}`, { from: 0, to: enrolled, local: false })
  const more = `
identity:
  order: [corp]
  corp:
    type: ldap
    urls: ['${slapd.url.replace('localhost', '127.0.0.1')}']
    bind_dn: ${ADMIN}
    bind_password: ${ADMIN_PASSWORD}
    user_base: ${PEOPLE}
    user_filter: (uid={user})
`
  return {
    name: `ocbroker, ${count} users`,
    start: () => startBroker({ folder, mode, users, profiles, more }),
  }
}
