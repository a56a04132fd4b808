import { type Check, fault, ok } from './finding.ts'

/** Whether a broker answers on this machine. @param ask sends a Status-Server to each port; rejects with the reason. */
export function checkRunning(ask: Readonly<Record<string, () => Promise<void>>>): Check {
  return () =>
    Promise.all(
      Object.entries(ask).map(([about, answers]) =>
        answers().then(
          () => ok(about, 'answers'),
          (error: unknown) => fault(about, error),
        ),
      ),
    )
}
