import { dirname } from 'node:path'

/** What an agent's files need to know. */
export interface AgentPlace {
  readonly gateway: string
  /** Where the agent reaches the broker. */
  readonly broker: string
}

/** Where Debian's occtl looks, too. */
const OCSERV_SOCKET = '/run/occtl.socket'
const OWN_SOCKET = '/run/ocbroker-agent.socket'
const ACCOUNT = 'ocbroker-agent'
const TOKEN_FILE = '/etc/ocbroker/agent.token'

/** Both services change nothing on the machine. */
const SANDBOX = [
  'NoNewPrivileges=yes',
  'ProtectSystem=strict',
  'ProtectHome=yes',
  'ProtectProc=invisible',
  'ProtectClock=yes',
  'ProtectHostname=yes',
  'ProtectControlGroups=yes',
  'ProtectKernelLogs=yes',
  'ProtectKernelModules=yes',
  'ProtectKernelTunables=yes',
  'PrivateDevices=yes',
  'PrivateTmp=yes',
  'LockPersonality=yes',
  'RestrictNamespaces=yes',
  'RestrictRealtime=yes',
  'RestrictSUIDSGID=yes',
  'RemoveIPC=yes',
  'SystemCallArchitectures=native',
  'SystemCallFilter=@system-service',
  'SystemCallErrorNumber=EPERM',
  'UMask=0077',
]

/** What ocserv.conf must hold. */
export const OCCTL_LINES: readonly string[] = ['use-occtl = true', `occtl-socket-file = ${OCSERV_SOCKET}`]

/** What is to be run, in this order. The first is for the broker's machine. */
export function agentCommands({ gateway }: AgentPlace): readonly string[] {
  return [
    `ocbroker token create --name agent-${gateway} --scope gateway:${gateway} --expires never`,
    `(umask 077; mkdir -p ${dirname(TOKEN_FILE)}; cat > ${TOKEN_FILE})   # the token`,
    'systemd-sysusers && systemctl daemon-reload',
    'systemctl enable --now ocbroker-agent-occtl.socket ocbroker-agent.service',
  ]
}

/**
 * ocserv obeys root alone, whatever the mode of its socket. So a program of systemd that only passes octets on opens it,
 * for one group, and the agent is an account without any privilege.
 */
export function agentFiles(place: AgentPlace): Readonly<Record<string, readonly string[]>> {
  return {
    '/etc/sysusers.d/ocbroker-agent.conf': [`u ${ACCOUNT} - "ocbroker agent"`],
    '/etc/systemd/system/ocbroker-agent-occtl.socket': [
      '[Unit]',
      `Description=The control socket of ocserv, for the group ${ACCOUNT}`,
      '',
      '[Socket]',
      `ListenStream=${OWN_SOCKET}`,
      'SocketUser=root',
      `SocketGroup=${ACCOUNT}`,
      'SocketMode=0660',
      '',
      '[Install]',
      'WantedBy=sockets.target',
    ],
    '/etc/systemd/system/ocbroker-agent-occtl.service': [
      '[Unit]',
      'Description=Passes on to the control socket of ocserv',
      '',
      '[Service]',
      `ExecStart=/usr/lib/systemd/systemd-socket-proxyd ${OCSERV_SOCKET}`,
      'User=root',
      '# The socket belongs to the account of ocserv.',
      'CapabilityBoundingSet=CAP_DAC_OVERRIDE',
      'PrivateNetwork=yes',
      'RestrictAddressFamilies=AF_UNIX',
      'MemoryDenyWriteExecute=yes',
      ...SANDBOX,
    ],
    '/etc/systemd/system/ocbroker-agent.service': agentUnit(place),
  }
}

function agentUnit({ gateway, broker }: AgentPlace): readonly string[] {
  return [
    '[Unit]',
    'Description=ocbroker agent',
    'Wants=network-online.target',
    'After=network-online.target ocbroker-agent-occtl.socket',
    '',
    '[Service]',
    `User=${ACCOUNT}`,
    'ExecStart=/usr/bin/ocbroker agent',
    `Environment=OCBROKER_AGENT_BROKER=${broker.replaceAll('%', '%%')}`,
    `Environment=OCBROKER_AGENT_GATEWAY=${gateway}`,
    `Environment=OCBROKER_AGENT_SOCKET=${OWN_SOCKET}`,
    `LoadCredential=token:${TOKEN_FILE}`,
    'Environment=OCBROKER_AGENT_TOKEN_FILE=%d/token',
    '# Where the certificate of the broker is signed by an authority of your own:',
    '# Environment=OCBROKER_AGENT_CA_FILE=/etc/ocbroker/authority.pem',
    'Restart=always',
    'RestartSec=30',
    'CapabilityBoundingSet=',
    'PrivateUsers=yes',
    'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK',
    ...SANDBOX,
    '',
    '[Install]',
    'WantedBy=multi-user.target',
  ]
}
