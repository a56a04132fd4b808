import { execFile } from 'node:child_process'
import type { Log } from '../domain/log.ts'

type State = 'READY=1' | 'RELOADING=1' | 'STOPPING=1' | 'WATCHDOG=1'

/**
 * Tells systemd how far the service is, if systemd started it with Type=notify (sd_notify(3)). Node has no datagram
 * sockets in the file system, so the message is sent by systemd's own command.
 */
export function tellServiceManager(state: State, log: Log): void {
  if (process.env.NOTIFY_SOCKET === undefined) return
  execFile('systemd-notify', [state], (error) => {
    if (error !== null) log.warn('service_manager.not_told', { state, error })
  })
}

/** Says twice in each WatchdogSec= that this process still runs its events; without it systemd would restart the service. */
export function feedWatchdog(log: Log): void {
  const { WATCHDOG_USEC: microseconds, WATCHDOG_PID: pid } = process.env
  if (microseconds === undefined || (pid !== undefined && pid !== String(process.pid))) return
  setInterval(() => tellServiceManager('WATCHDOG=1', log), Number(microseconds) / 2000).unref()
}
