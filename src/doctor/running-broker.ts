import type { Check, Finding } from './finding.ts'

/** Whether a broker answers on this machine. @param ask one Status-Server for each port; rejects with the reason. */
export function checkRunning(ask: Readonly<Record<string, () => Promise<void>>>): Check {
  return () =>
    Promise.all(
      Object.entries(ask).map(async ([about, answers]): Promise<Finding> => {
        try {
          await answers()
          return { about, level: 'good', says: 'answers' }
        } catch (error) {
          return { about, level: 'fault', says: error instanceof Error ? error.message : String(error) }
        }
      }),
    )
}
