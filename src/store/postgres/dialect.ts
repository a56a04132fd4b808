import {
  AddColumnNode,
  ColumnDefinitionNode,
  type DataTypeNode,
  PostgresDialect,
  PostgresQueryCompiler,
} from 'kysely'
import type { ConnectionPool } from './pool.ts'

/** kysely over connections to PostgreSQL. */
export class RecordsDialect extends PostgresDialect {
  constructor(pool: ConnectionPool) {
    super({ pool })
  }

  override createQueryCompiler(): PostgresQueryCompiler {
    return new BytewiseCompiler()
  }
}

/** Columns of text are compared octet by octet, as in SQLite, whatever language the database was made for. */
class BytewiseCompiler extends PostgresQueryCompiler {
  protected override visitDataType(node: DataTypeNode): void {
    super.visitDataType(node)
    if (node.dataType === 'text' && this.#definesColumn()) this.append(' collate "C"')
  }

  #definesColumn(): boolean {
    const parent = this.parentNode
    return parent !== undefined && (ColumnDefinitionNode.is(parent) || AddColumnNode.is(parent))
  }
}
