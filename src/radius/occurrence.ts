import { Attr, Code } from './codes.ts'
import { attributeName } from './dictionary.ts'
import type { Packet } from './packet.ts'

interface OccurrenceTable {
  readonly rfc: string
  /** The packets of its columns. */
  readonly codes: readonly number[]
  /** By attribute type, for each column: 0 never, 1 at most once, + any number. */
  readonly rows: Readonly<Record<number, string>>
}

const LOGIN = [Code.AccessRequest, Code.AccessAccept, Code.AccessReject, Code.AccessChallenge] as const

/** The tables of the RFCs, type by type. What no table lists may occur anywhere. */
const TABLES: readonly OccurrenceTable[] = [
  {
    rfc: 'RFC 2865 §5.44',
    codes: LOGIN,
    // biome-ignore format: as in the RFC
    rows: {
      1: '1100', 2: '1000', 3: '1000', 4: '1000', 5: '1000', 6: '1100', 7: '1100',
      8: '1100', 9: '1100', 10: '0100', 11: '0+00', 12: '1100', 13: '++00', 14: '++00',
      15: '0100', 16: '0100', 18: '0+++', 19: '1100', 20: '0100', 22: '0+00', 23: '0100',
      24: '1101', 25: '0+00', 26: '++0+', 27: '0101', 28: '0101', 29: '0100', 30: '1000',
      31: '1000', 32: '1000', 33: '++++', 34: '1100', 35: '1100', 36: '1100', 37: '0100',
      38: '0+00', 39: '0100', 60: '1000', 61: '1000', 62: '1100', 63: '1100',
    },
  },
  {
    rfc: 'RFC 2866 §5.13',
    codes: [Code.AccountingRequest],
    // biome-ignore format: as in the RFC
    rows: {
      1: '1', 2: '0', 3: '0', 4: '1', 5: '1', 6: '1', 7: '1',
      8: '1', 9: '1', 10: '1', 11: '+', 12: '1', 13: '+', 14: '+',
      15: '1', 16: '1', 18: '0', 19: '1', 20: '1', 22: '+', 23: '1',
      24: '0', 25: '+', 26: '+', 27: '1', 28: '1', 29: '1', 30: '1',
      31: '1', 32: '1', 33: '+', 34: '1', 35: '1', 36: '1', 37: '1',
      38: '1', 39: '1', 40: '1', 41: '1', 42: '1', 43: '1', 44: '1',
      45: '1', 46: '1', 47: '1', 48: '1', 49: '1', 50: '+', 51: '+',
      60: '0', 61: '1', 62: '1', 63: '1',
    },
  },
  {
    rfc: 'RFC 2869 §5.19',
    codes: LOGIN,
    // biome-ignore format: as in the RFC
    rows: {
      70: '1000', 71: '0101', 72: '0100', 73: '1001', 74: '+00+', 75: '0010', 76: '0001',
      77: '1000', 78: '0+00', 84: '0101', 85: '0100', 87: '1000', 88: '0100',
    },
  },
  {
    rfc: 'RFC 2869 §5.19',
    codes: [Code.AccountingRequest],
    // biome-ignore format: as in the RFC
    rows: {
      52: '1', 53: '1', 55: '1', 70: '0', 71: '0', 72: '0', 73: '0',
      74: '0', 75: '0', 76: '0', 77: '+', 78: '0', 84: '0', 85: '0',
      87: '1', 88: '0',
    },
  },
  {
    rfc: 'RFC 3162 §3',
    codes: [...LOGIN, Code.AccountingRequest],
    // biome-ignore format: as in the RFC
    rows: {
      95: '10001', 96: '11001', 97: '++00+', 98: '++00+', 99: '0+00+', 100: '01001',
    },
  },
  {
    rfc: 'RFC 3579 §3.3',
    codes: LOGIN,
    // biome-ignore format: as in the RFC
    rows: {
      79: '++++', 80: '1111',
    },
  },
  {
    rfc: 'RFC 5997 §6',
    codes: [Code.StatusServer],
    // biome-ignore format: as in the RFC
    rows: {
      1: '0', 2: '0', 3: '0', 4: '1', 18: '0', 26: '+', 32: '1',
      79: '0', 80: '1', 95: '1', 103: '0', 104: '0', 105: '0', 106: '0',
      107: '0', 108: '0', 109: '0', 110: '0', 111: '0', 112: '0', 113: '0', 114: '0',
      115: '0', 116: '0', 117: '0', 118: '0', 119: '0', 120: '0', 121: '0',
    },
  },
]

/** How often, and which RFC says so, by code and type. */
const limits = new Map<number, Map<number, { readonly most: number; readonly rfc: string }>>()
for (const { rfc, codes, rows } of TABLES)
  for (const [column, code] of codes.entries()) {
    const ofCode = limits.get(code) ?? new Map()
    limits.set(code, ofCode)
    for (const [type, counts] of Object.entries(rows))
      if (counts[column] !== '+') ofCode.set(Number(type), { most: Number(counts[column]), rfc })
  }

/** How often an attribute may occur in a packet of this code; undefined for any number. */
export function maxOccurrence(code: number, type: number): number | undefined {
  return limits.get(code)?.get(type)?.most
}

/**
 * Of two values, or of two kinds of password, the sender would choose which one a reader takes.
 * @returns what a request holds that an RFC forbids; undefined where it holds nothing of the kind.
 */
export function forbiddenIn({ code, attributes }: Packet): string | undefined {
  const ofCode = limits.get(code)
  const counts = new Map<number, number>()
  for (const { type } of attributes) {
    const count = (counts.get(type) ?? 0) + 1
    const limit = ofCode?.get(type)
    if (limit !== undefined && count > limit.most)
      return `${limit.most === 0 ? 'a' : 'more than one'} ${attributeName(type)} (${limit.rfc})`
    counts.set(type, count)
  }
  if (!counts.has(Attr.UserPassword)) return undefined
  if (counts.has(Attr.ChapPassword)) return 'User-Password beside CHAP-Password (RFC 2865 §4.1)'
  return counts.has(Attr.EapMessage) ? 'User-Password beside EAP-Message (RFC 3579 §3.1)' : undefined
}
