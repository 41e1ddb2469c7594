// Clients of a mailbox (SPEC §4.4): a relayed carrier for each whose first message is a good knock, an answer for each good
// offer (§4.5). What a mailbox is, and how it is reached, stands in mailbox.ts; here its clients are numbers.
import { fromHex, toHex } from '../shared/bytes.ts'
import { PacedQueue } from '../shared/pace.ts'
import { type GateCredential, LIMIT } from './gate.ts'
import type { Carrier } from './link.ts'
import { Punches, type PunchesInput } from './punches.ts'
import { type Offer, type RelayAdmitted, RelayGate } from './relaygate.ts'

const LIVE_DEADLINE_MS = 20_000
const SWEEP_MS = 1000

/** The way to the clients of one mailbox. */
export interface Trunk {
  send(client: number, data: Uint8Array): void
  close(client: number): void
}

/** What comes by a trunk. */
export interface TrunkListener {
  onData(client: number, data: Uint8Array): void
  onGone(client: number): void
  /** the mailbox is gone, and all its clients */
  onEnd(): void
}

export interface RelayInput extends PunchesInput {
  readonly credentials: () => readonly GateCredential[]
  readonly epoch: () => number
  /** of an epoch */
  readonly intervalMs: number
  readonly nonces: {
    all(): readonly { readonly nonce: Uint8Array; readonly untilEpoch: number }[]
    add(nonce: Uint8Array, untilEpoch: number): void
    remove(nonce: Uint8Array): void
  }
}

interface Line {
  receive(bytes: Uint8Array): void
  /** `told`: the client's end knows already */
  end(told: boolean): void
}

interface Peer extends Line {
  readonly admitted: RelayAdmitted
  readonly admittedMs: number
  heardMs: number
}

const NO_FINGERPRINT = new Uint8Array(32)

export class RelayDesk {
  readonly #input: RelayInput
  readonly #gate: RelayGate
  readonly #punches: Punches
  readonly #peers = new Set<Peer>()
  readonly #sweep: NodeJS.Timeout

  constructor(input: RelayInput) {
    this.#input = input
    const used = input.nonces.all().map(({ nonce, untilEpoch }) => ({
      nonce: toHex(nonce),
      untilEpoch,
    }))
    this.#gate = new RelayGate(input.hostTag, used, input.now())
    this.#punches = new Punches(input)
    this.#sweep = setInterval(() => this.#endSilent(), SWEEP_MS)
    this.#sweep.unref()
  }

  /** On every change of credentials and at each epoch. */
  refresh(): void {
    const { credentials, epoch, now, intervalMs, nonces } = this.#input
    this.#gate.setCredentials(credentials(), epoch())
    for (const nonce of this.#gate.forget(epoch(), now(), intervalMs)) nonces.remove(fromHex(nonce))
  }

  /** After a revocation (SPEC §3.4): peers of these credentials that are not in yet end. */
  retire(credentialIds: ReadonlySet<string>): void {
    for (const peer of this.#peers) {
      const { key, credentialId } = peer.admitted
      if (credentialIds.has(credentialId) && !this.#gate.isLive(key)) peer.end(false)
    }
    this.#punches.retire(credentialIds)
    this.refresh()
  }

  /** A mailbox is there. */
  serve(trunk: Trunk): TrunkListener {
    const clients = new Map<number, Line>()
    return {
      onData: (client, data) => {
        const known = clients.get(client)
        if (known !== undefined) known.receive(data)
        else this.#admit(trunk, client, data, clients)
      },
      onGone: (client) => clients.get(client)?.end(true),
      onEnd: () => {
        for (const peer of [...clients.values()]) peer.end(true)
      },
    }
  }

  #admit(trunk: Trunk, client: number, data: Uint8Array, clients: Map<number, Line>): void {
    const { now, nonces, onCarrier } = this.#input
    const admitted = this.#gate.take(data, now())
    if (admitted === null) {
      trunk.close(client)
      return
    }
    // On disk before the first answer: a knock is accepted once, whatever happens to this process.
    nonces.add(fromHex(admitted.key), admitted.untilEpoch)
    if (admitted.offer !== null) {
      this.#punch(trunk, client, admitted, admitted.offer, clients)
      return
    }
    const { carrier, peer } = this.#makePeer(admitted, {
      send: (bytes) => trunk.send(client, bytes),
      ended: (told) => {
        clients.delete(client)
        if (!told) trunk.close(client)
      },
    })
    clients.set(client, peer)
    this.#peers.add(peer)
    const { credentialId, knock, hint } = admitted
    const none = { clientFingerprint: NO_FINGERPRINT, hostFingerprint: NO_FINGERPRINT }
    onCarrier(carrier, { route: 'relay', credentialId, knock, hint, ...none })
  }

  /** The line serves for the answer only; what else comes over it counts for nothing. */
  #punch(
    trunk: Trunk,
    client: number,
    admitted: RelayAdmitted,
    offer: Offer,
    clients: Map<number, Line>,
  ): void {
    const { key } = admitted
    const line: Line = {
      receive: () => undefined,
      end: () => clients.delete(client),
    }
    clients.set(client, line)
    const told = {
      onLive: () => this.#gate.markLive(key),
      onGone: () => this.#gate.close(key),
    }
    void this.#punches.answer(admitted, offer, told).then((answer) => {
      if (clients.get(client) !== line) return
      clients.delete(client)
      if (answer !== null) trunk.send(client, answer)
      trunk.close(client)
    })
  }

  #makePeer(
    admitted: RelayAdmitted,
    line: { send(bytes: Uint8Array): void; ended(told: boolean): void },
  ): { carrier: Carrier; peer: Peer } {
    const { now } = this.#input
    const closers: (() => void)[] = []
    const early: Uint8Array[] = []
    let listener: ((bytes: Uint8Array) => void) | null = null
    let open = true
    const queue = new PacedQueue<Uint8Array>({
      send: line.send,
      now,
      after: (ms, run) => {
        const timer = setTimeout(run, ms)
        return () => clearTimeout(timer)
      },
    })
    const peer: Peer = {
      admitted,
      admittedMs: now(),
      heardMs: now(),
      receive: (bytes) => {
        peer.heardMs = now()
        if (listener === null) early.push(bytes)
        else listener(bytes)
      },
      end: (told) => {
        if (!open) return
        open = false
        queue.end()
        this.#peers.delete(peer)
        this.#gate.close(admitted.key)
        line.ended(told)
        for (const close of closers) close()
      },
    }
    const carrier: Carrier = {
      send: (bytes) => queue.push(bytes),
      drained: () => queue.drained(),
      onMessage(next) {
        listener = next
        for (const bytes of early.splice(0)) next(bytes)
      },
      onClose: (next) => void closers.push(next),
      markLive: () => this.#gate.markLive(admitted.key),
      // What was sent leaves first.
      close: () => void queue.drained().then(() => peer.end(false)),
    }
    return { carrier, peer }
  }

  #endSilent(): void {
    const now = this.#input.now()
    for (const peer of this.#peers) {
      const late = !this.#gate.isLive(peer.admitted.key) && now - peer.admittedMs > LIVE_DEADLINE_MS
      if (late || now - peer.heardMs > LIMIT.heardMs) peer.end(false)
    }
  }

  stop(): void {
    clearInterval(this.#sweep)
    this.#punches.stop()
    for (const peer of [...this.#peers]) peer.end(false)
  }
}
