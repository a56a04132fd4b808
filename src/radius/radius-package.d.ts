/** What is used of the npm package `radius` 1.1.4, which brings no types of its own. */
declare module 'radius' {
  interface DictionaryFields {
    /** 2: as the dictionary names it: string, octets, integer, ipaddr, … */
    2: string | null
    /** 4: numbers, as text, by their names. */
    4: Readonly<Record<string, string>>
    /** 5: `has_tag`, `encrypt=1`, … */
    5: Readonly<Record<string, true>>
  }

  type AttributeToEncode =
    | [name: string, value: string | number | Buffer]
    | [name: 'Vendor-Specific', vendor: number, attributes: AttributeToEncode[]]

  const radius: {
    /** A file, or a folder of files, that the next `load_dictionaries` reads. */
    add_dictionary(path: string): void
    /** Reads the files once a process; a second call does nothing. */
    load_dictionaries(): void
    attr_id_to_name(id: number, vendor: number): string | null | undefined
    attr_name_to_id(name: string, vendor: number): string | null | undefined
    /** The package's only way to ask for a field of a dictionary entry. */
    _attr_to<F extends keyof DictionaryFields>(
      name: string,
      vendor: number,
      field: F,
    ): DictionaryFields[F] | undefined
    /** Writes the attributes with their headers and returns how many octets they took. */
    encode_attributes(target: Buffer, attributes: AttributeToEncode[], vendor: number): number
    /** Reads attributes with their headers, by their names, into an object. */
    decode_attributes(data: Buffer, into: Record<string, unknown>, vendor: number): void
  }
  export default radius
}
