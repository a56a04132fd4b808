import type { EnrolmentRegister } from '../domain/enrolment-register.ts'
import type { UserStore } from '../domain/user.ts'
import type { Check } from './finding.ts'

const PAGE = 500
const NAMED = 3

/** Which of the broker's own users cannot log in, because a code is demanded and they have no authenticator. */
export function checkUnenrolled(
  users: Pick<UserStore, 'list'>,
  register: Pick<EnrolmentRegister, 'list'>,
): Check {
  return async () => {
    const without: string[] = []
    const enrolled = new Set<string>()
    for await (const { subject } of all(register, ({ subject }) => subject)) enrolled.add(subject)
    for await (const { name, enabled } of all(users, ({ name }) => name))
      if (enabled && !enrolled.has(name)) without.push(name)
    const about = 'local users'
    if (without.length === 0) return [{ about, level: 'good', says: 'all have an authenticator' }]
    const named = `${without.slice(0, NAMED).join(', ')}${without.length > NAMED ? ', …' : ''}`
    return [
      {
        ...{ about, level: 'warning', says: `${without.length} have no authenticator yet (${named})` },
        advice: 'ocbroker totp enrol NAME, ocbroker invite NAME, or the portal; until then they are refused',
      },
    ]
  }
}

async function* all<T>(
  source: { list(page: { readonly after?: string; readonly limit: number }): Promise<readonly T[]> },
  keyOf: (item: T) => string,
): AsyncGenerator<T> {
  let after: string | undefined
  for (;;) {
    const page = await source.list({ ...(after !== undefined && { after }), limit: PAGE })
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return
    after = keyOf(last)
  }
}
