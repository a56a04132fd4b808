import { type RealProcess, thisMachine } from './process.ts'

/**
 * Waits until a directory that was started answers a search of its root DSE.
 * @param within milliseconds; @param logOf what it wrote elsewhere than on its output, for the error.
 */
export async function untilLdapAnswers(
  url: string,
  server: RealProcess,
  within: number,
  logOf: () => string = () => '',
): Promise<void> {
  const deadline = performance.now() + within
  for (;;) {
    const { code } = await thisMachine.run('ldapsearch', [
      '-x',
      '-H',
      url,
      '-s',
      'base',
      '-b',
      '',
      'vendorName',
    ])
    if (code === 0) return
    if (!server.isRunning() || performance.now() > deadline)
      throw new Error(`the directory at ${url} does not answer:\n${server.output()}${logOf()}`)
  }
}
