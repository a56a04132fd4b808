import { mkdirSync, writeFileSync } from 'node:fs'
import { temporaryFolder } from './folder.ts'
import { freePort } from './free-port.ts'
import { type RealProcess, thisMachine } from './process.ts'

export interface FreeradiusCoa {
  readonly port: number
  /** With `-X`: shows each request that it received, attribute by attribute. */
  readonly process: RealProcess
  stop(): Promise<void>
}

/**
 * A FreeRADIUS that takes Disconnect-Requests, as a gateway of another make: it has the session `known`, refuses to end
 * `kept` (Error-Cause 504), and has no other (503). It wants Message-Authenticator.
 */
export async function startFreeradiusCoa(secret: string): Promise<FreeradiusCoa> {
  const port = await freePort()
  const folder = temporaryFolder('freeradius-coa')
  mkdirSync(folder.file('run'))
  writeFileSync(folder.file('radiusd.conf'), configuration(folder.path, port, secret))
  const server = thisMachine.start('freeradius', ['-X', '-d', folder.path])
  const stop = async () => {
    await server.stop()
    await folder.remove()
  }
  try {
    await server.waitForOutput(/Ready to process requests/)
  } catch (error) {
    await stop()
    throw error
  }
  return { port, process: server, stop }
}

function configuration(folder: string, port: number, secret: string): string {
  return `
raddbdir = ${folder}
logdir = ${folder}
radacctdir = ${folder}
run_dir = ${folder}/run
pidfile = ${folder}/run/pid
max_request_time = 5
cleanup_delay = 5
hostname_lookups = no
security {
  max_attributes = 200
  reject_delay = 0
  status_server = yes
}
log {
  destination = stdout
}
client broker {
  ipaddr = 127.0.0.1
  secret = '${secret}'
  require_message_authenticator = yes
}
modules {
  always ok {
    rcode = ok
  }
  always reject {
    rcode = reject
  }
}
server coa {
  listen {
    type = coa
    ipaddr = 127.0.0.1
    port = ${port}
    virtual_server = coa
  }
  recv-coa {
    if (!&Message-Authenticator || !&Event-Timestamp) {
      update reply {
        Error-Cause := Missing-Attribute
      }
      reject
    }
    elsif (&Acct-Session-Id == 'known') {
      ok
    }
    elsif (&Acct-Session-Id == 'kept') {
      update reply {
        Error-Cause := Session-Context-Not-Removable
      }
      reject
    }
    else {
      update reply {
        Error-Cause := Session-Context-Not-Found
      }
      reject
    }
  }
  send-coa {
    ok
  }
}
`
}
