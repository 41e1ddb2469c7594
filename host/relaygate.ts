// Which first bytes open a carrier without UDP checks: over a mailbox a knock for a relay or an offer to punch a hole (SPEC §4.4,
// §4.5), over TCP a knock (§4.6). Time comes in; sockets stay outside.
import { toHex } from '../shared/bytes.ts'
import { ENVELOPE_BYTES, HINT_WINDOW, SIGNAL_WINDOW } from '../shared/constants.ts'
import { type Description, parseDescription } from '../shared/description.ts'
import { openOffer, splitEnvelope } from '../shared/envelope.ts'
import { knockHint, openKnock, signalHint, splitKnock } from '../shared/knock.ts'
import { type GateCredential, LIMIT } from './gate.ts'

export interface RelayAdmitted {
  /** of the nonce, hex */
  readonly key: string
  readonly credentialId: string
  /** 93 bytes, or an offer's envelope of 2048 */
  readonly knock: Uint8Array
  readonly hint: Uint8Array
  /** what the offer says, and what its answer is sealed with; null for a relay's knock */
  readonly offer: Offer | null
  /** of the hint */
  readonly epoch: number
  /** until then its nonce is refused */
  readonly untilEpoch: number
}

/** What differs between the ways in. */
export interface Entrance {
  readonly route: 'relay' | 'signal'
  readonly hint: (root: Uint8Array, epoch: number) => Uint8Array
  /** epochs before and after the current one whose hints count */
  readonly window: number
}
export const MAILBOX: Entrance = { route: 'relay', hint: signalHint, window: SIGNAL_WINDOW }
export const SIGNAL: Entrance = { route: 'signal', hint: knockHint, window: HINT_WINDOW }

export interface Offer {
  readonly description: Description
  readonly root: Uint8Array
  /** of the hint */
  readonly epoch: number
}

interface Peer {
  readonly credentialId: string
  readonly offers: boolean
  live: boolean
}

interface HintEntry {
  readonly credential: GateCredential
  readonly epoch: number
}

export class RelayGate {
  readonly #hostTag: Uint8Array
  readonly #entrance: Entrance
  #hints = new Map<string, HintEntry>()
  readonly #nonces = new Map<string, { readonly untilEpoch: number; readonly sinceMs: number }>()
  readonly #peers = new Map<string, Peer>()
  readonly #recent = new Map<string, number[]>()

  /** `usedNonces`: hex, of earlier runs. `nowMs`, here and below, never goes back. */
  constructor(
    hostTag: Uint8Array,
    usedNonces: readonly { readonly nonce: string; readonly untilEpoch: number }[],
    nowMs: number,
    entrance = MAILBOX,
  ) {
    this.#hostTag = hostTag
    this.#entrance = entrance
    for (const { nonce, untilEpoch } of usedNonces)
      this.#nonces.set(nonce, { untilEpoch, sinceMs: nowMs })
  }

  /** Rebuilds the hints for `epoch`. */
  setCredentials(credentials: readonly GateCredential[], epoch: number): void {
    this.#hints = new Map()
    const { hint, window } = this.#entrance
    for (const credential of credentials) {
      for (let e = Math.max(0, epoch - window); e <= epoch + window; e++)
        this.#hints.set(toHex(hint(credential.root, e)), { credential, epoch: e })
    }
  }

  /** A client's first message. @returns null: to be closed without a word */
  take(bytes: Uint8Array, nowMs: number): RelayAdmitted | null {
    try {
      return this.#open(bytes, nowMs)
    } catch {
      return null
    }
  }

  #open(bytes: Uint8Array, nowMs: number): RelayAdmitted | null {
    const offers = this.#entrance === MAILBOX && bytes.length === ENVELOPE_BYTES
    const { hint, nonce } = offers ? splitEnvelope(bytes) : splitKnock(bytes)
    const key = toHex(nonce)
    const entry = this.#hints.get(toHex(hint))
    if (entry === undefined || this.#nonces.has(key)) return null
    const { id, root } = entry.credential
    const offer = offers ? this.#openOffer(bytes, entry) : this.#openKnock(bytes, root)
    if (this.#isFull(id, offers, nowMs)) return null
    const untilEpoch = entry.epoch + this.#entrance.window
    this.#nonces.set(key, { untilEpoch, sinceMs: nowMs })
    this.#peers.set(key, { credentialId: id, offers, live: false })
    return { key, credentialId: id, knock: bytes, hint, epoch: entry.epoch, untilEpoch, offer }
  }

  #openKnock(knock: Uint8Array, root: Uint8Array): null {
    const { route } = this.#entrance
    openKnock({ root, hostTag: this.#hostTag, knock, clientUfrag: '', route })
    return null
  }

  #openOffer(offer: Uint8Array, { credential, epoch }: HintEntry): Offer {
    const { root } = credential
    const { text } = openOffer({ root, hostTag: this.#hostTag, offer })
    return { description: parseDescription(text), root, epoch }
  }

  /** Holes that do not open must not shut the relay: half-open peers of either kind are counted apart. */
  #isFull(id: string, offers: boolean, nowMs: number): boolean {
    const recent = (this.#recent.get(id) ?? []).filter((atMs) => nowMs - atMs < 60_000)
    const waiting = [...this.#peers.values()].filter((peer) => !peer.live && peer.offers === offers)
    const full =
      recent.length >= LIMIT.noncesPerMinute ||
      waiting.length >= LIMIT.halfOpen ||
      waiting.filter(({ credentialId }) => credentialId === id).length >=
        LIMIT.halfOpenPerCredential
    if (!full) this.#recent.set(id, [...recent, nowMs])
    return full
  }

  markLive(key: string): void {
    const peer = this.#peers.get(key)
    if (peer !== undefined) peer.live = true
  }

  isLive(key: string): boolean {
    return this.#peers.get(key)?.live ?? false
  }

  /** Its nonce is refused all the same. */
  close(key: string): void {
    this.#peers.delete(key)
  }

  /** As `Gate.forget`: nonces whose epochs are below the window and that are as old as it is long. @returns them */
  forget(epoch: number, nowMs: number, intervalMs: number): string[] {
    const windowMs = (2 * this.#entrance.window + 1) * intervalMs
    const over = [...this.#nonces].filter(
      ([, { untilEpoch, sinceMs }]) => untilEpoch < epoch && nowMs - sinceMs >= windowMs,
    )
    return over.map(([nonce]) => {
      this.#nonces.delete(nonce)
      return nonce
    })
  }
}
