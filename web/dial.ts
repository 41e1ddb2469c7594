// The direct route (SPEC §4): this page writes the host's WebRTC answer itself, with a knock as its ICE user fragment.
// No signaling server takes part. simple-peer is used here and in punch.ts.
import SimplePeer from 'simple-peer'
import { concat, fromHex } from '../shared/bytes.ts'
import { HINT_BYTES } from '../shared/constants.ts'
import {
  type Candidate,
  colonHex,
  type Description,
  formatCandidate,
} from '../shared/description.ts'
import { ClawError, type ClawErrorCode } from '../shared/error.ts'
import { hostTag, icePassword, knockUfrag, sealKnock } from '../shared/knock.ts'
import { around, type Carrier, candidates, type DialInput, epochsToTry } from './targets.ts'

export { type Carrier, candidates, type DialInput, epochsToTry }

const DEADLINE_MS = 8000
const GATHER_MS = 4000

/** Throws ClawError('no-webrtc') for a browser that writes no such SDP. */
export const read = (sdp: string, pattern: RegExp): string => {
  const found = pattern.exec(sdp)?.[1]
  if (found === undefined) throw new ClawError('no-webrtc')
  return found
}

/** The answer that a lite host would give (RFC 8839, RFC 8842). */
export function writeAnswer(
  input: Omit<Description, 'candidates'> & {
    readonly mid: string
    readonly targets: readonly { readonly ip: string; readonly port: number }[]
  },
): string {
  const candidates = input.targets.map(
    ({ ip, port }, i): Candidate => ({
      ...{ address: ip, port, kind: 'host', priority: 2130706431 - i * 256 },
    }),
  )
  return answerSdp({ ...input, candidates }, input.mid, true)
}

/** The answer around what a host says of itself. `isLite`: it answers checks and sends none. */
export function answerSdp(said: Description, mid: string, isLite: boolean): string {
  return [
    'v=0',
    'o=- 1 1 IN IP4 0.0.0.0',
    's=-',
    't=0 0',
    ...(isLite ? ['a=ice-lite'] : []),
    `a=group:BUNDLE ${mid}`,
    'a=msid-semantic: WMS',
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'c=IN IP4 0.0.0.0',
    `a=mid:${mid}`,
    `a=ice-ufrag:${said.ufrag}`,
    `a=ice-pwd:${said.password}`,
    `a=fingerprint:sha-256 ${colonHex(said.fingerprint)}`,
    'a=setup:passive',
    'a=sctp-port:5000',
    'a=max-message-size:262144',
    ...said.candidates.map(formatCandidate),
    'a=end-of-candidates',
    '',
  ].join('\r\n')
}

/** Throws ClawError: `no-webrtc`, `no-network` (the browser gathered no address of its own), `no-answer`, `record-stale`. */
export async function dial(input: DialInput): Promise<Carrier> {
  if (!SimplePeer.WEBRTC_SUPPORT) throw new ClawError('no-webrtc')
  const { record, timesMs, onlyEpoch } = input
  if (onlyEpoch !== undefined) return dialEpoch(input, onlyEpoch, [onlyEpoch])
  let failure: unknown
  for (const epoch of epochsToTry(record, timesMs)) {
    try {
      return await dialEpoch(input, epoch, around(epoch))
    } catch (error) {
      // If the other times fail too, the first reason is the one that matters.
      failure ??= error
      const code = error instanceof ClawError ? error.code : null
      if (code !== 'no-answer' && code !== 'record-stale') break
    }
  }
  throw failure
}

async function dialEpoch(
  { record, root, timesMs }: DialInput,
  epoch: number,
  ports: readonly number[],
): Promise<Carrier> {
  const hostFingerprint = record.schedule[epoch - record.firstEpoch]?.fingerprint
  const targets = candidates(record, ports)
  if (hostFingerprint === undefined) throw new ClawError('record-stale')
  if (targets.length === 0) throw new ClawError('no-answer')
  const peer = new SimplePeer({ ...CHANNEL, trickle: true, config: { iceServers: [] } })
  const pipe = pipeOf(peer)
  let gathered = 0
  let open: Pick<Carrier, 'knock' | 'hint' | 'clientFingerprint'> | null = null
  peer.on('signal', (data) => {
    if (data.type === 'candidate') gathered += 1
    if (data.type !== 'offer' || data.sdp === undefined || open !== null) return
    const { sdp } = data
    const clientUfrag = read(sdp, /^a=ice-ufrag:(\S+)/m)
    const clientFingerprint = fromHex(
      read(sdp, /^a=fingerprint:sha-256 (\S+)/im).replaceAll(':', ''),
    )
    const nonce = crypto.getRandomValues(new Uint8Array(12))
    const tag = hostTag(record.hostPublicKey)
    const knock = sealKnock({
      root,
      hostTag: tag,
      epoch,
      route: 'direct',
      timeMs: timesMs[0] ?? record.issuedMs,
      clientFingerprint,
      nonce,
      clientUfrag,
    })
    open = { knock, hint: knock.slice(0, HINT_BYTES), clientFingerprint }
    const answer = writeAnswer({
      mid: read(sdp, /^a=mid:(\S+)/m),
      ufrag: knockUfrag(knock),
      password: icePassword(root, nonce),
      fingerprint: hostFingerprint,
      targets,
    })
    peer.signal({ type: 'answer', sdp: answer })
  })
  await new Promise<void>((resolve, reject) => {
    const fail = (code: ClawErrorCode): void => {
      clearTimeout(timer)
      clearTimeout(early)
      peer.destroy()
      reject(new ClawError(code))
    }
    const unanswered = (): void => fail(gathered === 0 ? 'no-network' : 'no-answer')
    const timer = setTimeout(unanswered, DEADLINE_MS)
    // Without any network a browser goes on gathering for ever; with one, the first address is there in no time.
    const early = setTimeout(() => gathered === 0 && fail('no-network'), GATHER_MS)
    peer.once('connect', () => {
      clearTimeout(timer)
      clearTimeout(early)
      resolve()
    })
    peer.on('error', unanswered)
  })
  if (open === null) throw new ClawError('no-webrtc')
  const bound: Pick<Carrier, 'knock' | 'hint' | 'clientFingerprint'> = open
  return { ...bound, ...pipe, route: 'direct', hostFingerprint, epoch }
}

/** The one channel of a carrier (SPEC §4.2). */
export const CHANNEL = {
  initiator: true,
  channelConfig: { negotiated: true, id: 0, ordered: true },
} as const

/** What comes and goes over the channel of a peer; to be called before it opens. */
export function pipeOf(
  peer: SimplePeer.Instance,
): Pick<Carrier, 'send' | 'onMessage' | 'onClose' | 'close'> {
  const unread: Uint8Array[] = []
  const listeners: ((bytes: Uint8Array) => void)[] = []
  const closers: (() => void)[] = []
  peer.on('data', (data: Uint8Array) => {
    const bytes = new Uint8Array(data)
    if (listeners.length === 0) unread.push(bytes)
    for (const listener of listeners) listener(bytes)
  })
  peer.on('close', () => {
    for (const closer of closers.splice(0)) closer()
  })
  return {
    // An empty message would block the host's channel; frames never are.
    send: (bytes) => {
      if (!peer.destroyed && bytes.length > 0) peer.send(concat(bytes))
    },
    onMessage: (listener) => {
      listeners.push(listener)
      for (const bytes of unread.splice(0)) listener(bytes)
    },
    onClose: (listener) => {
      if (peer.destroyed) listener()
      else closers.push(listener)
    },
    close: () => peer.destroy(),
  }
}
