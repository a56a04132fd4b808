import { mkdirSync, writeFileSync } from 'node:fs'
import { temporaryFolder } from './folder.ts'
import { freePort } from './free-port.ts'
import { type Place, type RealProcess, thisMachine } from './process.ts'
import type { Attribute } from './radclient.ts'

interface FreeradiusUser {
  readonly name: string
  readonly password: string
  /** Base32; with it the right password is answered by an Access-Challenge that asks for a TOTP code. */
  readonly totpSecret?: string
  /** With it the right password is followed by so many questions, which any answer is right for. */
  readonly questions?: number
  /** What an Access-Accept carries. */
  readonly reply?: readonly Attribute[]
}

interface FreeradiusOptions {
  readonly users: readonly FreeradiusUser[]
  readonly secret: string
  readonly place?: Place
  /** The address to listen on; 127.0.0.1 where it is not given. */
  readonly address?: string
  /** Replies carry Message-Authenticator, as they do by themselves from FreeRADIUS 3.2.5 on. */
  readonly signsReplies?: boolean
  /** Seconds before a rejection is sent (0). */
  readonly rejectDelay?: number
}

export interface Freeradius {
  readonly authPort: number
  readonly acctPort: number
  readonly process: RealProcess
  /** Ends the server and removes its folder. */
  stop(): Promise<void>
}

/** A FreeRADIUS with a configuration of its own: local users, PAP, TOTP by challenge, accounting acknowledged. */
export async function startFreeradius(options: FreeradiusOptions): Promise<Freeradius> {
  const {
    users,
    secret,
    place = thisMachine,
    address = '127.0.0.1',
    signsReplies = false,
    rejectDelay = 0,
  } = options
  const authPort = await freePort()
  const acctPort = await freePort()
  const folder = temporaryFolder('freeradius')
  mkdirSync(folder.file('run'))
  writeFileSync(folder.file('users'), users.map(userEntry).join('\n'))
  writeFileSync(
    folder.file('radiusd.conf'),
    configuration({ folder: folder.path, secret, address, authPort, acctPort, signsReplies, rejectDelay }),
  )
  const server = place.start('freeradius', ['-f', '-l', 'stdout', '-d', folder.path])
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
  return { authPort, acctPort, process: server, stop }
}

function userEntry({ name, password, totpSecret, questions, reply = [] }: FreeradiusUser): string {
  const checks = [`Cleartext-Password := ${text(password)}`]
  if (totpSecret !== undefined) checks.push(`TOTP-Secret := ${text(totpSecret)}`)
  if (questions !== undefined) checks.push(`Tmp-Integer-0 := ${questions}`)
  const replies = reply.map(([attribute, value]) => `\t${attribute} += ${replyValue(value)}`)
  return `${text(name)} ${checks.join(', ')}\n${replies.join(',\n')}\n`
}

function replyValue(value: Attribute[1]): string {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' ? text(value) : `0x${Buffer.from(value).toString('hex')}`
}

/** Single quotes, because the server expands `%{…}` inside double ones. */
function text(value: string): string {
  return `'${value.replace(/[\\']/g, '\\$&')}'`
}

interface Settings {
  folder: string
  secret: string
  address: string
  authPort: number
  acctPort: number
  signsReplies: boolean
  rejectDelay: number
}

function configuration(settings: Settings): string {
  const { folder, secret, address, authPort, acctPort, signsReplies, rejectDelay } = settings
  const sign = signsReplies ? 'update reply { Message-Authenticator := 0x00 }' : ''
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
  reject_delay = ${rejectDelay}
  status_server = yes
}
log {
  destination = stdout
  auth = no
}
thread pool {
  start_servers = 4
  max_servers = 8
  min_spare_servers = 2
  max_spare_servers = 6
}
client everyone {
  ipaddr = 0.0.0.0/0
  secret = ${text(secret)}
  require_message_authenticator = no
}
modules {
  pap { }
  totp { }
  expr { }
  always handled {
    rcode = handled
  }
  always ok {
    rcode = ok
  }
  files {
    filename = ${folder}/users
  }
}
server default {
  listen {
    type = auth
    ipaddr = ${address}
    port = ${authPort}
  }
  listen {
    type = acct
    ipaddr = ${address}
    port = ${acctPort}
  }
  authorize {
    Autz-Type Status-Server {
      ${sign}
      ok
    }
    files
    if (&control:Tmp-Integer-0) {
      update control {
        Auth-Type := questions
      }
    }
    elsif (!&control:TOTP-Secret) {
      pap
    }
    elsif (&request:State) {
      update control {
        Auth-Type := code
      }
    }
    else {
      update control {
        Auth-Type := password-before-code
      }
    }
  }
  authenticate {
    Auth-Type PAP {
      pap
    }
    Auth-Type password-before-code {
      pap
      if (ok) {
        update {
          reply: !* ANY
          reply:State := "%{randstr:aaaaaaaaaaaaaaaa}"
          reply:Reply-Message := "Enter your code"
          control:Response-Packet-Type := Access-Challenge
        }
        handled
      }
    }
    Auth-Type questions {
      if (&request:State) {
        update request {
          Tmp-Integer-1 := "%{string:request:State}"
        }
      }
      else {
        pap
        update request {
          Tmp-Integer-1 := 0
        }
      }
      if (&request:Tmp-Integer-1 < &control:Tmp-Integer-0) {
        update {
          reply: !* ANY
          reply:State := "%{expr:%{request:Tmp-Integer-1} + 1}"
          reply:Reply-Message := "Question %{expr:%{request:Tmp-Integer-1} + 1}"
          control:Response-Packet-Type := Access-Challenge
        }
        handled
      }
      else {
        ok
      }
    }
    Auth-Type code {
      update request {
        TOTP-Password := "%{User-Password}"
      }
      totp {
        fail = 1
        reject = 1
      }
      if (!ok) {
        update {
          reply: !* ANY
          reply:State := "%{randstr:aaaaaaaaaaaaaaaa}"
          reply:Reply-Message := "Wrong code, enter the next one"
          control:Response-Packet-Type := Access-Challenge
        }
        handled
      }
    }
  }
  post-auth {
    ${sign}
    Post-Auth-Type REJECT {
      update {
        reply: !* ANY
      }
      ${sign}
    }
    Post-Auth-Type Challenge {
      ${sign}
    }
  }
  accounting {
    ok
  }
}
`
}
