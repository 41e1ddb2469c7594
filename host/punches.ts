// Who is punching a hole (SPEC §4.5): opens a peer for each offer that was taken, seals its answer, ends what is silent.
import { randomBytes } from 'node:crypto'
import { formatDescription } from '../shared/description.ts'
import { sealAnswer } from '../shared/envelope.ts'
import { LIMIT } from './gate.ts'
import type { Carrier } from './link.ts'
import { PunchPeer } from './punch.ts'
import type { Offer, RelayAdmitted } from './relaygate.ts'
import type { Certificate } from './rtc.ts'
import type { Introduction } from './serve.ts'

const LIVE_DEADLINE_MS = 20_000
const SWEEP_MS = 1000

export interface PunchesInput {
  /** 16 bytes */
  readonly hostTag: Uint8Array
  /** of the current epoch; null before there is one */
  readonly certificate: () => Certificate | null
  /** own addresses, texts */
  readonly addresses: () => readonly string[]
  /** STUN servers to ask, `host:port` */
  readonly stun: readonly string[]
  /** unix ms */
  readonly wallMs: () => number
  /** ms that never go back */
  readonly now: () => number
  readonly onCarrier: (carrier: Carrier, intro: Introduction) => void
}

/** What the gate hears of a peer. */
export interface PunchListener {
  onLive(): void
  onGone(): void
}

interface Entry {
  readonly peer: PunchPeer
  readonly credentialId: string
  readonly openedMs: number
  live: boolean
}

export class Punches {
  readonly #input: PunchesInput
  readonly #entries = new Set<Entry>()
  readonly #sweep: NodeJS.Timeout
  #stopped = false

  constructor(input: PunchesInput) {
    this.#input = input
    this.#sweep = setInterval(() => this.#endSilent(), SWEEP_MS)
    this.#sweep.unref()
  }

  /** The answer's envelope, 2048 bytes; null if this machine has no address to answer from. `onGone` follows either way. */
  async answer(
    admitted: RelayAdmitted,
    offer: Offer,
    told: PunchListener,
  ): Promise<Uint8Array | null> {
    const certificate = this.#input.certificate()
    const opened =
      certificate === null ? null : await this.#open(admitted, offer, certificate, told)
    if (opened === null) told.onGone()
    return opened === null ? null : this.#seal(opened, admitted, offer)
  }

  async #open(
    { credentialId, knock, hint }: RelayAdmitted,
    { description }: Offer,
    certificate: Certificate,
    told: PunchListener,
  ): Promise<PunchPeer | null> {
    const { addresses, stun, now, onCarrier } = this.#input
    const intro: Introduction = {
      ...{ route: 'mailbox', credentialId, knock, hint },
      clientFingerprint: description.fingerprint,
      hostFingerprint: certificate.fingerprint,
    }
    let entry: Entry | null = null
    const peer = await PunchPeer.open({
      ...{ certificate, offer: description, addresses: addresses(), stun, now },
      onCarrier: (carrier) => onCarrier(carrier, intro),
      onLive: () => {
        if (entry !== null) entry.live = true
        told.onLive()
      },
      onGone: () => {
        if (entry !== null) this.#entries.delete(entry)
        told.onGone()
      },
    })
    if (peer === null) return null
    entry = { peer, credentialId, openedMs: now(), live: false }
    this.#entries.add(entry)
    if (!this.#stopped) return peer
    peer.close()
    return null
  }

  #seal(peer: PunchPeer, { knock }: RelayAdmitted, { root, epoch }: Offer): Uint8Array {
    const { hostTag, wallMs } = this.#input
    const nonce = new Uint8Array(randomBytes(12))
    const text = formatDescription(peer.description)
    return sealAnswer({ root, hostTag, epoch, timeMs: wallMs(), nonce, text }, knock)
  }

  /** After a revocation: peers of these credentials that are not in yet end. */
  retire(credentialIds: ReadonlySet<string>): void {
    for (const { peer, credentialId, live } of this.#entries)
      if (!live && credentialIds.has(credentialId)) peer.close()
  }

  #endSilent(): void {
    const now = this.#input.now()
    for (const { peer, openedMs, live } of this.#entries) {
      const late = peer.isLate || (!live && now - openedMs > LIVE_DEADLINE_MS)
      if (late || now - peer.heardMs > LIMIT.heardMs) peer.close()
    }
  }

  stop(): void {
    this.#stopped = true
    clearInterval(this.#sweep)
    for (const { peer } of [...this.#entries]) peer.close()
  }
}
