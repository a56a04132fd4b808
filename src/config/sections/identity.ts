import { z } from 'zod'
import { suggestOneOf } from '../closest.ts'
import type { Path, Report } from '../fault.ts'
import { name } from '../scalars.ts'
import { isMapping } from '../schema-walk.ts'

/** The broker's own users. */
const localStoreShape = z.strictObject({ type: z.literal('local') })

/** Each kind of identity store is one member, told apart by `type`. */
const storeShape = z.discriminatedUnion('type', [localStoreShape])

/** `order` beside any number of stores, each under the name that the order calls it by. */
export const identityShape = z
  .object({ order: z.array(name()).min(1).default(['local']) })
  .catchall(storeShape)

type Parsed = z.output<typeof identityShape>

type IdentityStoreConfig = z.output<typeof storeShape> & { readonly name: string }

export interface IdentityConfig {
  /** Stores in the order in which they are asked; each once. */
  readonly order: readonly IdentityStoreConfig[]
}

/** This store needs no section: it has nothing to be configured. */
const LOCAL: IdentityStoreConfig = { name: 'local', type: 'local' }

export function checkIdentity(order: readonly (string | undefined)[], report: Report): void {
  const path: Path = ['identity']
  const section = report.at(path)
  const stores = [LOCAL.name, ...(isMapping(section) ? Object.keys(section) : [])].filter(
    (key) => key !== 'order',
  )
  const seen = new Set<string>()
  for (const [index, store] of order.entries()) {
    if (store === undefined) continue
    if (!stores.includes(store))
      report.fault(
        [...path, 'order', index],
        `there is no identity store named ${store}`,
        suggestOneOf(store, [...new Set(stores)]),
      )
    else if (seen.has(store)) report.fault([...path, 'order', index], `${store} is asked twice`, 'keep one')
    seen.add(store)
  }
  for (const store of new Set(stores)) {
    const type = report.at([...path, store, 'type'])
    if (type !== undefined && (store === LOCAL.name) !== (type === LOCAL.type))
      report.fault([...path, store], 'the name local and the type local belong together')
    if (!seen.has(store) && report.given([...path, store]) && order.every((each) => each !== undefined))
      report.warn([...path, store], 'is never asked', 'add it to identity.order, or remove it')
  }
}

export function resolveIdentity({ order, ...stores }: Parsed): IdentityConfig {
  return {
    order: order.map((store) => {
      const found = stores[store]
      return found === undefined ? LOCAL : { ...found, name: store }
    }),
  }
}
