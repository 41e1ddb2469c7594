// Hole punching (SPEC §4.5): this page's offer and the host's answer go sealed through a mailbox; then both send to where the
// other may be, and the conversation goes over UDP with nothing in between.
import SimplePeer from 'simple-peer'
import { type Description, formatDescription, parseDescription } from '../shared/description.ts'
import { openAnswer, sealOffer, splitEnvelope } from '../shared/envelope.ts'
import { ClawError, type ClawErrorCode } from '../shared/error.ts'
import { hostTag } from '../shared/knock.ts'
import { MAILBOX_CLOSE } from '../shared/mailbox.ts'
import { epochAt } from '../shared/record.ts'
import { answerSdp, type Carrier, CHANNEL, type DialInput, pipeOf, read } from './dial.ts'
import { openLine, type RelayEndpoint } from './relay.ts'

const GATHER_MS = 1500
const DEADLINE_MS = 8000

/**
 * Throws ClawError: `no-webrtc`, `no-network` (the browser gathered no address of its own), `store-unreachable`, `no-answer`
 * (the host is not there, does not know this device, or no path leads to it).
 */
export async function dialMailbox(endpoint: RelayEndpoint, input: DialInput): Promise<Carrier> {
  if (!SimplePeer.WEBRTC_SUPPORT) throw new ClawError('no-webrtc')
  const peer = new SimplePeer({
    ...CHANNEL,
    trickle: false,
    iceCompleteTimeout: GATHER_MS,
    config: { iceServers: stunServers(input.record) },
  })
  const pipe = pipeOf(peer)
  try {
    const sdp = await offerOf(peer)
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
    return { ...pipe, ...bound, route: 'mailbox', hostFingerprint: host.fingerprint }
  } catch (error) {
    peer.destroy()
    throw error instanceof ClawError && error.code !== 'knock-refused'
      ? error
      : new ClawError('no-answer')
  }
}

/** Those that the owner named; a browser asks nobody else. */
const stunServers = ({ locator }: DialInput['record']): RTCIceServer[] =>
  locator.flatMap((entry) => (entry.type === 'stun' ? [{ urls: `stun:${entry.server}` }] : []))

/** The whole offer, with what candidates there are after `GATHER_MS`. */
async function offerOf(peer: SimplePeer.Instance): Promise<string> {
  const sdp = await within<string>(GATHER_MS + DEADLINE_MS, 'no-network', (resolve, reject) => {
    peer.on('signal', (data) => data.type === 'offer' && resolve(data.sdp ?? ''))
    peer.on('error', () => reject(new ClawError('no-webrtc')))
  })
  if (!/^a=candidate:/m.test(sdp)) throw new ClawError('no-network')
  return sdp
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
