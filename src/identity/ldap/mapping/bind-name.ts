import { escapeDnValue, parseDn } from './distinguished-name.ts'
import { type Piece, readPieces, TemplateFault } from './filter-template.ts'

/** How a user's name becomes the name to bind with. */
export interface BindName {
  /** Whether what comes of it is a distinguished name, and so the name of the user's entry. */
  readonly isDn: boolean
  of(user: string): string
}

const SAMPLE = 'x'

/**
 * Reads `uid={user},ou=people,dc=example`, `{user}@corp.example` or `CORP\{user}`. In a distinguished name the user's
 * name is one value, whatever signs it holds. @throws TemplateFault
 */
export function parseBindName(template: string): BindName {
  const isDn = parseDn(template.replaceAll('{user}', SAMPLE)) !== undefined
  // Only filters have escapes of this kind; here a backslash is the directory's own.
  const pieces = readPieces(template.replaceAll('\\', '\\5c'), ['user'])
  if (!pieces.includes('user')) throw new TemplateFault('needs {user} where the name belongs')
  return {
    isDn,
    of: (user) => pieces.map((piece) => filled(piece, isDn ? escapeDnValue(user) : user)).join(''),
  }
}

function filled(piece: Piece, user: string): string {
  return typeof piece === 'string' ? user : piece.toString('utf8')
}
