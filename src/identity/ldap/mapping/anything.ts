import { PresenceFilter } from '../wire/requests.ts'

/** Every entry has a class. */
export const ANYTHING = new PresenceFilter({ attribute: 'objectClass' })
