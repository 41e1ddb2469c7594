// Words for people: what `clawchat doctor` found, and what to do about it.
import {
  type DoctorCause,
  type DoctorFault,
  type DoctorFinding,
  type DoctorNote,
  type DoctorStepName,
  isHealthy,
} from './findings.ts'
import { errorWords } from './terminal.ts'

interface Words {
  readonly message: string
  readonly next: string
}

const STEP_WORDS: Readonly<Record<DoctorStepName, string>> = {
  folder: 'the data folder is private and whole',
  running: 'the host runs',
  clock: 'this computer’s clock is right',
  store: 'the record can be read from the store',
  mailbox: 'the mailbox, for hole punching and relay, can be reached',
  page: 'the page is there, and of this version',
  udp: 'UDP can be received',
  tcp: 'TCP can be received',
  stun: 'the STUN server answers',
  turn: 'the TURN server lets devices in',
  nat: 'the router gives everybody the same port',
  router: 'the router hands a port on',
  hidden: 'a scan of this network cannot tell the host’s port',
}

const CAUSE_WORDS: Readonly<Record<DoctorNote | DoctorFault, Words>> = {
  'folder-new': { message: 'No host was started here yet.', next: 'Start one: clawchat start' },
  'not-running': { message: 'It does not run now.', next: 'Start it: clawchat start' },
  'clock-unknown': {
    message: 'No https store told its time, so there is nothing to compare with.',
    next: 'Compare it with another clock; a minute does not matter.',
  },
  'store-empty': {
    message: 'It answers, and has no record of this host.',
    next: 'Start the host; if it runs, "clawchat status" says why it cannot write there.',
  },
  'store-by-mega': {
    message: 'MEGA is measured by itself.',
    next: 'Stop the host, then: clawchat doctor --mega',
  },
  'mailbox-none': {
    message: 'Without an https store only those get in who reach the host’s port.',
    next: 'If that is not enough: clawchat deploy',
  },
  'buffer-small': {
    message: 'The system grants a small receive buffer, so that big transfers are slow.',
    next: 'On Linux: sysctl -w net.core.rmem_max=4194304, then start the host again.',
  },
  'stun-none': {
    message: 'No STUN server is named, so the address that others see is unknown.',
    next: 'Hole punching needs one: --stun stun:HOST:PORT. It learns this network’s address.',
  },
  'nat-unknown': {
    message: 'It takes answers of two STUN servers to tell.',
    next: 'Name a second one with --stun.',
  },
  'nat-strict': {
    message:
      'This router gives each peer another port: hole punching to a network like this fails, and the relay is used.',
    next: 'A port that the router hands on helps everybody: see "clawchat doctor --router".',
  },
  'router-closed': {
    message: 'It does not, or another router stands before it.',
    next: '"clawchat doctor --router" says where it ends. The mailbox and the relay work without.',
  },
  'ports-answer': {
    message:
      'Closed UDP ports of this computer answer that they are closed; the host’s says nothing, and so stands out for whoever is in the same network. From outside the router hides both.',
    next: 'On Linux, in a chain at hook output: nft add rule inet filter output icmp type destination-unreachable icmp code port-unreachable drop (and icmpv6 type destination-unreachable icmpv6 code port-unreachable drop). On Windows the firewall’s stealth mode does it, on macOS "Enable stealth mode".',
  },
  'folder-readable': {
    message: 'Other users of this computer can read the host’s keys.',
    next: 'chmod 700 the data folder and chmod 600 identity.key in it. If somebody may have read it: clawchat burn',
  },
  'disk-full': {
    message: 'The disk is nearly full: messages could not be kept.',
    next: 'Make room, 200 MB at least.',
  },
  'database-damaged': {
    message: 'The database is damaged or of a later version.',
    next: 'Stop the host, keep a copy of the folder, and restore a backup of it.',
  },
  'clock-ahead': {
    message: 'It is ahead by more than a minute: devices look for the port of another hour.',
    next: 'Turn on automatic time (NTP).',
  },
  'clock-behind': {
    message: 'It is behind by more than a minute: devices look for the port of another hour.',
    next: 'Turn on automatic time (NTP).',
  },
  'mailbox-unreachable': {
    message: 'No WebSocket could be opened there.',
    next: 'Check the network and the address given with --store; a proxy may refuse WebSockets.',
  },
  'page-unreachable': {
    message: 'The page of --page cannot be read.',
    next: 'Open its address in a browser; put the page there again with "clawchat page".',
  },
  'page-version': {
    message: 'The page of --page is of another version than this host.',
    next: 'Put it there again with "clawchat page", or with "clawchat deploy".',
  },
  'udp-refused': {
    message: 'No UDP socket could be opened on the address of --udp.',
    next: 'Name an address of this computer, or leave --udp away.',
  },
  'tcp-refused': {
    message: 'No TCP socket could be opened, as --signal needs.',
    next: 'Name an address of this computer with --udp, or leave --signal away.',
  },
  'stun-silent': {
    message: 'It did not answer.',
    next: 'Check the address given with --stun, and that the firewall lets UDP out. Where UDP is blocked the relay is used.',
  },
  'turn-blind': {
    message:
      'All TURN servers are reached by TCP only and no STUN server is named, so this host, which is behind a router, does not learn its outside address: nothing comes to it through TURN.',
    next: 'Name one TURN server by UDP as well (turn:HOST:PORT), or a STUN server: --stun stun:HOST:PORT.',
  },
  'turn-silent': {
    message: 'No TURN server answered there.',
    next: 'Check address and transport given with --turn, the server’s firewall, and with turns: that its certificate fits the name. Devices do without it meanwhile.',
  },
  'turn-refused': {
    message: 'It does not take the login that this host tells its devices.',
    next: 'Compare turn-credential with the server (coturn: use-auth-secret and static-auth-secret, or lt-cred-mech and user); with a secret both clocks must be right. Or its quota is spent.',
  },
  'too-slow': {
    message: 'It took longer than half a minute.',
    next: 'Check the network and try again.',
  },
}

function causeWords(cause: DoctorCause): Words {
  return cause in CAUSE_WORDS
    ? CAUSE_WORDS[cause as DoctorNote | DoctorFault]
    : errorWords(cause as Parameters<typeof errorWords>[0])
}

/** A line, and where something is to be said one more; no address, path, link or key is in it. */
export function findingText({ step, nth, ok, cause, ms }: DoctorFinding): string {
  const what = `${STEP_WORDS[step]}${nth === null ? '' : ` (${nth}.)`}`
  if (cause === null) return `  yes   ${what} (${ms} ms)`
  const { message, next } = causeWords(cause)
  return `  ${ok ? 'note' : 'no  '}  ${what} (${cause}): ${message}\n        ${next}`
}

export function verdictText(findings: readonly DoctorFinding[]): string {
  const faults = findings.filter(({ ok }) => !ok).length
  if (isHealthy(findings)) return 'Nothing has to be done.'
  return faults === 1 ? 'One thing has to be done.' : `${faults} things have to be done.`
}
