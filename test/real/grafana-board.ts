/** The queries of a board, with a value for each variable. @param text the board, as Grafana exports it. */
export function queriesOf(text: string): readonly string[] {
  const { panels } = JSON.parse(text) as {
    readonly panels: readonly { readonly targets?: readonly { readonly expr: string }[] }[]
  }
  return panels
    .flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
    .map((expr) =>
      expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*').replaceAll('$gateway', '.*'),
    )
}
