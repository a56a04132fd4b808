import { expect, onTestFinished, test, vi } from 'vitest'
import { undoOnSignal } from '../../src/cli/undo-on-signal.ts'

test.each(['SIGINT', 'SIGTERM'] as const)(
  'takes back what was done, in order, before %s ends the process',
  async (signal) => {
    const said: unknown[] = []
    const exit = vi.spyOn(process, 'exit').mockImplementation(((code: number) => said.push(code)) as never)
    onTestFinished(() => exit.mockRestore())
    const [files, scratch] = [new AsyncDisposableStack(), new AsyncDisposableStack()]
    files.defer(async () => void said.push('files'))
    scratch.defer(async () => void said.push('scratch'))
    {
      using _ = undoOnSignal(files, scratch)
      process.emit(signal)
      await expect.poll(() => said).toEqual(['files', 'scratch', 130])
    }
    expect(process.listenerCount(signal)).toBe(0)
  },
)
