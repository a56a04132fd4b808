export interface LdifEntry {
  readonly dn: string
  readonly [attribute: string]: string | number | Buffer | readonly (string | number | Buffer)[]
}

/** Every value in base64, which any value can be written in (RFC 2849). */
export function ldif(entries: readonly LdifEntry[], ...firstLines: readonly string[]): string {
  return entries
    .map(({ dn, ...attributes }) =>
      [
        `dn:: ${base64(dn)}`,
        ...firstLines,
        ...Object.entries(attributes).flatMap(([name, values]) =>
          [values].flat().map((value) => `${name}:: ${base64(value)}`),
        ),
      ].join('\n'),
    )
    .join('\n\n')
    .concat('\n')
}

function base64(value: string | number | Buffer): string {
  return (Buffer.isBuffer(value) ? value : Buffer.from(String(value))).toString('base64')
}
