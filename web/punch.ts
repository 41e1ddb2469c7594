// Hole punching (SPEC §4.5): this page's offer and the host's answer go sealed through a mailbox; then both send to where the
// other may be, and the conversation goes over UDP with nothing in between.
import SimplePeer from 'simple-peer'
import { type Description, formatDescription, parseDescription } from '../shared/description.ts'
import { openAnswer, sealOffer, splitEnvelope } from '../shared/envelope.ts'
import { ClawError, type ClawErrorCode } from '../shared/error.ts'
import { hostTag } from '../shared/knock.ts'
import type { Locator, TurnServer } from '../shared/locator.ts'
import { MAILBOX_CLOSE } from '../shared/mailbox.ts'
import { epochAt } from '../shared/record.ts'
import { answerSdp, type Carrier, CHANNEL, type DialInput, pipeOf, read } from './dial.ts'
import type { RelayEndpoint } from './endpoints.ts'
import { watchPath } from './path.ts'
import { openLine } from './relay.ts'

const GATHER_MS = 1500
/** as long as nothing but own addresses is known, which is how blocked UDP looks; TURN by TLS takes some round trips */
const GATHER_TURN_MS = 3000
const DEADLINE_MS = 8000

/**
 * Throws ClawError: `no-webrtc`, `no-network` (the browser gathered no address of its own), `store-unreachable`, `no-answer`
 * (the host is not there, does not know this device, or no path leads to it).
 */
export async function dialMailbox(
  endpoint: RelayEndpoint,
  input: DialInput,
  /** what the browser gathered, before the offer goes out */
  gathered: (facts: Gathered) => void,
): Promise<PunchedCarrier> {
  if (!SimplePeer.WEBRTC_SUPPORT) throw new ClawError('no-webrtc')
  const { locator } = input.record
  const config = { iceServers: iceServers(locator) }
  const peer = new SimplePeer({ ...CHANNEL, trickle: true, config })
  const pipe = pipeOf(peer)
  try {
    const sdp = await offerOf(
      peer,
      locator.some(({ type }) => type === 'turn'),
    )
    gathered(gatheredOf(sdp, locator))
    const offer = seal(parseDescription(sdp), input)
    const answer = await exchange(endpoint, offer.envelope)
    const { root, record } = input
    const tag = hostTag(record.hostPublicKey)
    const { text } = openAnswer({ root, hostTag: tag, answer, offer: offer.envelope })
    const host = parseDescription(text)
    peer.signal({ type: 'answer', sdp: answerSdp(host, read(sdp, /^a=mid:(\S+)/m), false) })
    await connected(peer)
    const { hint, epoch, clientFingerprint } = offer
    const bound = { knock: offer.envelope, hint, epoch, clientFingerprint }
    const watch = (told: (turn: boolean) => void): Promise<void> => watchPath(peer, told)
    return { ...pipe, ...bound, route: 'mailbox', hostFingerprint: host.fingerprint, watch }
  } catch (error) {
    peer.destroy()
    throw error instanceof ClawError && error.code !== 'knock-refused'
      ? error
      : new ClawError('no-answer')
  }
}

/** Whether UDP gets out of this network, as far as servers that the owner named can tell. */
export interface Gathered {
  /** STUN servers asked */
  readonly stun: number
  /** 1: one of them answered */
  readonly reflexive: 0 | 1
}

export const gatheredOf = (sdp: string, locator: Locator): Gathered => ({
  stun: locator.filter(({ type }) => type === 'stun').length,
  reflexive: / typ srflx/.test(sdp) || hasOwnPublic(sdp) ? 1 : 0,
})

/** Where an address of this computer is what a server would see, browsers leave out the second candidate (RFC 8445 §5.1.3). */
const hasOwnPublic = (sdp: string): boolean =>
  [...sdp.matchAll(/^a=candidate:\S+ 1 udp \d+ ([\d.]+) \d+ typ host/gm)].some(
    ([, address = '']) => !PRIVATE.test(address),
  )

/** RFC 1918, 3927, 6598, and loopback. */
const PRIVATE =
  /^(10|127|169\.254|192\.168|172\.(1[6-9]|2\d|3[01])|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./

export interface PunchedCarrier extends Carrier {
  /** tells whether a TURN server passes the packets on, and from then on each change */
  readonly watch: (told: (turn: boolean) => void) => Promise<void>
}

/** Those that the owner named; a browser asks nobody else. */
export const iceServers = (locator: Locator): RTCIceServer[] =>
  locator.flatMap((entry): RTCIceServer[] => {
    if (entry.type === 'stun') return [{ urls: `stun:${entry.server}` }]
    if (entry.type !== 'turn') return []
    const { username, password, servers } = entry
    return [{ urls: servers.map(turnUrl), username, credential: password }]
  })

/** RFC 7065. */
const turnUrl = ({ transport, server }: TurnServer): string =>
  transport === 'tls' ? `turns:${server}?transport=tcp` : `turn:${server}?transport=${transport}`

/** The whole offer, with what candidates there are once the browser has all, or time is up. */
async function offerOf(peer: SimplePeer.Instance, hasTurn: boolean): Promise<string> {
  let offer: string | null = null
  const lines: string[] = []
  await within<void>(GATHER_MS + DEADLINE_MS, 'no-network', (resolve, reject) => {
    let passedMs = 0
    let hasAll = false
    const look = (): void => {
      const far = lines.some((line) => !line.includes(' typ host'))
      const isTime = passedMs >= (far || !hasTurn ? GATHER_MS : GATHER_TURN_MS)
      if (offer !== null && (hasAll || isTime)) resolve()
    }
    for (const ms of [GATHER_MS, GATHER_TURN_MS])
      setTimeout(() => {
        passedMs = ms
        look()
      }, ms)
    peer.on('signal', (data) => {
      if (data.type === 'offer') offer = data.sdp ?? ''
      // An empty one says that all are there.
      if (data.type === 'candidate' && data.candidate.candidate !== '')
        lines.push(`a=${data.candidate.candidate}`)
      look()
    })
    peer.on('iceStateChange', (_, gathering) => {
      hasAll ||= gathering === 'complete'
      look()
    })
    peer.on('error', () => reject(new ClawError('no-webrtc')))
  })
  if (lines.length === 0) throw new ClawError('no-network')
  return [offer, ...lines, ''].join('\r\n')
}

function seal(
  description: Description,
  { record, root, timesMs }: DialInput,
): Pick<Carrier, 'hint' | 'epoch' | 'clientFingerprint'> & { readonly envelope: Uint8Array } {
  const timeMs = timesMs[0] ?? record.issuedMs
  const epoch = epochAt(Math.max(timeMs, record.issuedMs), record.intervalMs)
  const envelope = sealOffer({
    ...{ root, epoch, timeMs, hostTag: hostTag(record.hostPublicKey) },
    nonce: crypto.getRandomValues(new Uint8Array(12)),
    text: formatDescription(description),
  })
  const { hint } = splitEnvelope(envelope)
  return { envelope, hint, epoch, clientFingerprint: description.fingerprint }
}

/** Sends the offer and waits for the host's one message. */
async function exchange(endpoint: RelayEndpoint, offer: Uint8Array): Promise<Uint8Array> {
  const socket = openLine(endpoint, splitEnvelope(offer).hint)
  try {
    return await within(DEADLINE_MS, 'store-unreachable', (resolve, reject) => {
      socket.onopen = () => socket.send(Uint8Array.from(offer))
      socket.onmessage = ({ data }) => data instanceof ArrayBuffer && resolve(new Uint8Array(data))
      socket.onclose = ({ code }) =>
        reject(new ClawError(code === MAILBOX_CLOSE.nobody ? 'no-answer' : 'store-unreachable'))
    })
  } finally {
    socket.close()
  }
}

const connected = (peer: SimplePeer.Instance): Promise<void> =>
  within(DEADLINE_MS, 'no-answer', (resolve, reject) => {
    peer.once('connect', () => resolve())
    peer.on('error', () => reject(new ClawError('no-answer')))
    peer.on('close', () => reject(new ClawError('no-answer')))
  })

function within<T>(
  ms: number,
  code: ClawErrorCode,
  run: (resolve: (value: T) => void, reject: (error: ClawError) => void) => void,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const timer = setTimeout(() => reject(new ClawError(code)), ms)
  run(resolve, reject)
  return promise.finally(() => clearTimeout(timer))
}
