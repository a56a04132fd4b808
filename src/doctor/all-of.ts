const PAGE = 500

/** Every item of a store that lists page by page. */
export async function* allOf<T>(
  source: { list(page: { readonly after?: string; readonly limit: number }): Promise<readonly T[]> },
  keyOf: (item: T) => string,
): AsyncGenerator<T> {
  let after: string | undefined
  for (;;) {
    const page = await source.list({ after, limit: PAGE })
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return
    after = keyOf(last)
  }
}

export function namedShortly(names: readonly string[], most: number): string {
  return `${names.slice(0, most).join(', ')}${names.length > most ? ', …' : ''}`
}
