import { readFile } from 'node:fs/promises'
import { messageOf } from '../../domain/errors.ts'
import { fault, hint, notApplicable, ok } from '../finding.ts'
import type { GatewayCheck } from './gateway-check.ts'

/** Whether ocserv takes its configuration at all. It opens no file that the configuration names. */
export const checkOcservConf: GatewayCheck = async (host) => {
  const about = host.file
  try {
    await readFile(host.file)
  } catch (error) {
    return [fault(about, messageOf(error), 'name the file that ocserv is started with, and run this as root')]
  }
  const tested = await host.tested()
  if (tested === undefined) return [notApplicable(about, 'ocserv is not installed here, or did not end')]
  const said = `${tested.stdout}${tested.stderr}`
  const first = said.split('\n').find((line) => /error/i.test(line)) ?? said.trim().split('\n').at(-1)
  if (tested.code !== 0)
    return [fault(about, `ocserv does not take it: ${first}`, `ocserv -t -c ${host.file}`)]
  const unknown = [...said.matchAll(/skipping unknown option '?([^'\n]*)'?/g)].map((match) => match[1])
  if (unknown.length === 0) return [ok(about, 'ocserv takes it')]
  return [hint(about, `ocserv skips options that it does not know: ${unknown.join(', ')}`, 'remove them')]
}
