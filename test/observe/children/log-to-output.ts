import { jsonLog } from '../../../src/observe/log.ts'

const log = jsonLog({ level: 'debug' })
log.info('one')
log.warn('two')
log.error('three')
log.debug('four')
