// The relay (SPEC §4.4): sealed messages through an endpoint that both ends reach, when nothing shorter works.
import { toHex } from '../shared/bytes.ts'
import { HINT_BYTES } from '../shared/constants.ts'
import { ClawError, type ClawErrorCode } from '../shared/error.ts'
import { hostTag, sealKnock } from '../shared/knock.ts'
import { MAILBOX_CLOSE, MAILBOX_PROTOCOL } from '../shared/mailbox.ts'
import { PacedQueue } from '../shared/pace.ts'
import { epochAt } from '../shared/record.ts'
import type { RelayEndpoint } from './endpoints.ts'
import type { Carrier, DialInput } from './targets.ts'

const DEADLINE_MS = 8000

/** A carrier through one endpoint, and why it ended: whether the host is there shows in the handshake only. */
export interface RelayCarrier extends Carrier {
  /** `no-answer`: the host is not there, or does not know this device; null while it is open */
  readonly endedBy: () => ClawErrorCode | null
}

/** Throws ClawError('store-unreachable'). */
export function dialRelay(
  endpoint: RelayEndpoint,
  { record, root, timesMs }: DialInput,
): Promise<RelayCarrier> {
  const nowMs = timesMs[0] ?? record.issuedMs
  const epoch = epochAt(Math.max(nowMs, record.issuedMs), record.intervalMs)
  const none = new Uint8Array(32)
  const knock = sealKnock({
    root,
    hostTag: hostTag(record.hostPublicKey),
    epoch,
    route: 'relay',
    timeMs: nowMs,
    clientFingerprint: none,
    nonce: crypto.getRandomValues(new Uint8Array(12)),
    clientUfrag: '',
  })
  const hint = knock.slice(0, HINT_BYTES)
  const socket = openLine(endpoint, hint)
  const bound = { knock, hint, epoch, hostFingerprint: none, clientFingerprint: none }
  return new Promise((resolve, reject) => {
    const fail = (): void => {
      clearTimeout(timer)
      socket.close()
      reject(new ClawError('store-unreachable'))
    }
    const timer = setTimeout(fail, DEADLINE_MS)
    socket.onclose = fail
    socket.onopen = () => {
      clearTimeout(timer)
      socket.onclose = null
      const carrier = carrierOf(socket)
      carrier.send(knock)
      resolve({ ...carrier, ...bound, route: 'relay' })
    }
  })
}

/** A client's WebSocket to the mailbox. `hint`: 8 bytes. */
export function openLine({ url, id }: RelayEndpoint, hint: Uint8Array): WebSocket {
  const address = `${url.replace(/^http/, 'ws')}/v1/mailbox/${toHex(id)}`
  const socket = new WebSocket(address, `${MAILBOX_PROTOCOL}.${toHex(hint)}`)
  socket.binaryType = 'arraybuffer'
  return socket
}

function carrierOf(
  socket: WebSocket,
): Pick<RelayCarrier, 'send' | 'onMessage' | 'onClose' | 'close' | 'endedBy'> {
  const unread: Uint8Array[] = []
  const listeners: ((bytes: Uint8Array) => void)[] = []
  const closers: (() => void)[] = []
  let endedBy: ClawErrorCode | null = null
  const queue = new PacedQueue<Uint8Array>({
    send: (bytes) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(Uint8Array.from(bytes))
    },
    now: () => performance.now(),
    after: (ms, run) => {
      const timer = setTimeout(run, ms)
      return () => clearTimeout(timer)
    },
  })
  socket.onmessage = ({ data }) => {
    if (!(data instanceof ArrayBuffer)) return
    const bytes = new Uint8Array(data)
    if (listeners.length === 0) unread.push(bytes)
    for (const listener of listeners) listener(bytes)
  }
  socket.onclose = ({ code }) => {
    endedBy = code === MAILBOX_CLOSE.nobody ? 'no-answer' : 'store-unreachable'
    queue.end()
    for (const closer of closers.splice(0)) closer()
  }
  return {
    send: (bytes) => queue.push(bytes),
    onMessage: (listener) => {
      listeners.push(listener)
      for (const bytes of unread.splice(0)) listener(bytes)
    },
    onClose: (listener) => {
      if (endedBy === null) closers.push(listener)
      else listener()
    },
    close: () => socket.close(),
    endedBy: () => endedBy,
  }
}
