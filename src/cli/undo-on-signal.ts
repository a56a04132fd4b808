/** As a shell has it for what Ctrl-C ended. */
const GIVEN_UP = 130

/** While it is in use, Ctrl-C or SIGTERM takes back what the stacks hold, the first one first, and ends the process. */
export function undoOnSignal(...stacks: readonly AsyncDisposableStack[]): Disposable {
  const takeBack = async () => {
    for (const stack of stacks) await stack.disposeAsync()
  }
  const giveUp = () => void takeBack().finally(() => process.exit(GIVEN_UP))
  process.on('SIGINT', giveUp).on('SIGTERM', giveUp)
  return { [Symbol.dispose]: () => void process.off('SIGINT', giveUp).off('SIGTERM', giveUp) }
}
