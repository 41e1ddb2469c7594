// Who gets an answer on the UDP port (SPEC §4): a machine over parsed binding requests. Time comes in; packets stay outside.
// Everything it does not admit is dropped without a byte, and nothing is created before all checks have passed.
import { equal, toHex } from '../shared/bytes.ts'
import { HINT_WINDOW } from '../shared/constants.ts'
import { icePassword, knockHint, openKnock, type ParsedKnock, parseKnock } from '../shared/knock.ts'
import { Failures } from './failures.ts'
import { LIMIT } from './limits.ts'
import type { BindingRequest } from './stun.ts'

export { LIMIT }

export interface GateCredential {
  readonly id: string
  /** R, 32 bytes */
  readonly root: Uint8Array
}

/** Where a packet came from: the receiving socket and the sender. */
export interface Path {
  readonly socket: string
  readonly address: string
  readonly port: number
}

export interface Admitted {
  readonly key: string
  readonly credentialId: string
  /** the epoch that the hint names: its certificate is presented */
  readonly epoch: number
  /** 93 bytes */
  readonly knock: Uint8Array
  readonly hint: Uint8Array
  readonly clientFingerprint: Uint8Array
  readonly clientUfrag: string
  readonly password: string
}

export type Decision =
  | { readonly type: 'drop' }
  /** a further check of a peer that is already admitted */
  | { readonly type: 'check'; readonly peer: Admitted }
  /** the nonce must be on disk before the first answer */
  | {
      readonly type: 'admit'
      readonly peer: Admitted
      readonly nonce: string
      readonly untilEpoch: number
    }

interface Peer extends Admitted {
  readonly admittedMs: number
  readonly transactions: Set<string>
  readonly paths: Map<string, number>
  live: boolean
}

interface HintEntry {
  readonly credential: GateCredential
  readonly epoch: number
}

const DROP: Decision = { type: 'drop' }
export const pathKey = (path: Path): string => `${path.socket} ${path.address} ${path.port}`

export class Gate {
  readonly #hostTag: Uint8Array
  #hints = new Map<string, HintEntry>()
  readonly #peers = new Map<string, Peer>()
  readonly #owners = new Map<string, Peer>()
  readonly #nonces = new Map<string, { readonly untilEpoch: number; readonly sinceMs: number }>()
  readonly #recent = new Map<string, number[]>()
  readonly #failures = new Failures()

  /** All times that come in, `nowMs` too, are of one clock that never goes back. */
  constructor(
    hostTag: Uint8Array,
    usedNonces: readonly { nonce: string; untilEpoch: number }[],
    nowMs: number,
  ) {
    this.#hostTag = hostTag
    for (const { nonce, untilEpoch } of usedNonces)
      this.#nonces.set(nonce, { untilEpoch, sinceMs: nowMs })
  }

  /** Rebuilds the hint table for `epoch`. */
  setCredentials(credentials: readonly GateCredential[], epoch: number): void {
    this.#hints = new Map()
    for (const credential of credentials) {
      for (let e = epoch - HINT_WINDOW; e <= epoch + HINT_WINDOW; e++) {
        if (e >= 0) this.#hints.set(toHex(knockHint(credential.root, e)), { credential, epoch: e })
      }
    }
  }

  /**
   * Forgets the nonces whose epochs lie below the window of `epoch` and that are as old as that window is long: a wall
   * clock that jumps ahead and back again must not make a captured knock good a second time. @returns them
   */
  forget(epoch: number, nowMs: number, intervalMs: number): string[] {
    const windowMs = (2 * HINT_WINDOW + 1) * intervalMs
    const over = [...this.#nonces].filter(
      ([, { untilEpoch, sinceMs }]) => untilEpoch < epoch && nowMs - sinceMs >= windowMs,
    )
    return over.map(([nonce]) => {
      this.#nonces.delete(nonce)
      return nonce
    })
  }

  /** `admits`: false on a socket that takes no new knock; what its peers say is still heard. */
  handle(request: BindingRequest, path: Path, nowMs: number, admits = true): Decision {
    if (!this.#failures.allow(path.address, nowMs)) return DROP
    const refuse = (): Decision => {
      this.#failures.note(path.address)
      return DROP
    }
    let knock: ParsedKnock
    try {
      knock = parseKnock(request.hostUfrag)
    } catch {
      return refuse()
    }
    const nonce = toHex(knock.nonce)
    const peer = this.#peers.get(nonce)
    if (peer !== undefined) return this.#again(peer, knock, request, path, nowMs, refuse)
    if (!admits) return DROP
    const entry = this.#hints.get(toHex(knock.hint))
    if (entry === undefined) return refuse()
    if (this.#nonces.has(nonce)) return DROP
    const password = icePassword(entry.credential.root, knock.nonce)
    if (!request.verify(password)) return refuse()
    try {
      const opened = openKnock({
        root: entry.credential.root,
        hostTag: this.#hostTag,
        knock: knock.raw,
        clientUfrag: request.clientUfrag,
        route: 'direct',
      })
      const { clientFingerprint } = opened
      return this.#admit({ entry, knock, request, path, nowMs, password, clientFingerprint })
    } catch {
      return refuse()
    }
  }

  #admit(input: {
    entry: HintEntry
    knock: ParsedKnock
    request: BindingRequest
    path: Path
    nowMs: number
    password: string
    clientFingerprint: Uint8Array
  }): Decision {
    const { entry, knock, request, path, nowMs } = input
    const { id } = entry.credential
    const recent = (this.#recent.get(id) ?? []).filter((atMs) => nowMs - atMs < 60_000)
    const waiting = [...this.#peers.values()].filter((peer) => !peer.live)
    const full =
      recent.length >= LIMIT.noncesPerMinute ||
      waiting.length >= LIMIT.halfOpen ||
      waiting.filter((peer) => peer.credentialId === id).length >= LIMIT.halfOpenPerCredential ||
      this.#ownedByAnother(path, null, nowMs)
    // A limit is not the knock's fault: no token spent, no nonce kept, so the next check may succeed.
    if (full) return DROP
    const nonce = toHex(knock.nonce)
    const peer: Peer = {
      key: nonce,
      credentialId: id,
      epoch: entry.epoch,
      knock: knock.raw,
      hint: knock.hint,
      clientFingerprint: input.clientFingerprint,
      clientUfrag: request.clientUfrag,
      password: input.password,
      admittedMs: nowMs,
      transactions: new Set([toHex(request.transaction)]),
      paths: new Map([[pathKey(path), nowMs]]),
      live: false,
    }
    const untilEpoch = entry.epoch + HINT_WINDOW
    this.#recent.set(id, [...recent, nowMs])
    this.#nonces.set(nonce, { untilEpoch, sinceMs: nowMs })
    this.#peers.set(nonce, peer)
    this.#owners.set(pathKey(path), peer)
    return { type: 'admit', peer, nonce, untilEpoch }
  }

  #again(
    peer: Peer,
    knock: ParsedKnock,
    request: BindingRequest,
    path: Path,
    nowMs: number,
    refuse: () => Decision,
  ): Decision {
    const same = equal(knock.raw, peer.knock) && request.clientUfrag === peer.clientUfrag
    if (!same || !request.verify(peer.password)) return refuse()
    const key = pathKey(path)
    // Not "was once its path": a silent peer's address may have passed to another one meanwhile.
    const owns = this.#owners.get(key) === peer
    if (!owns && !this.#mayAdd(peer, request, path, nowMs)) return DROP
    peer.paths.set(key, nowMs)
    this.#owners.set(key, peer)
    if (nowMs - peer.admittedMs > LIMIT.admissionMs) peer.transactions.clear()
    else if (peer.transactions.size < LIMIT.transactions) {
      peer.transactions.add(toHex(request.transaction))
    }
    return { type: 'check', peer }
  }

  /**
   * A captured check replayed from elsewhere carries a transaction id that was seen, unless it went to a port or address
   * where nobody listens: so who is live, and needs no further path, gets none.
   */
  #mayAdd(peer: Peer, request: BindingRequest, path: Path, nowMs: number): boolean {
    return (
      !peer.live &&
      nowMs - peer.admittedMs <= LIMIT.admissionMs &&
      peer.paths.size < LIMIT.addresses &&
      peer.transactions.size < LIMIT.transactions &&
      !peer.transactions.has(toHex(request.transaction)) &&
      !this.#ownedByAnother(path, peer, nowMs)
    )
  }

  #ownedByAnother(path: Path, peer: Peer | null, nowMs: number): boolean {
    const key = pathKey(path)
    const owner = this.#owners.get(key)
    if (owner === undefined || owner === peer) return false
    return nowMs - (owner.paths.get(key) ?? 0) < LIMIT.heardMs
  }

  /** Data came over a path of this peer. */
  heard(key: string, path: string, nowMs: number): void {
    const peer = this.#peers.get(key)
    if (peer?.paths.has(path)) peer.paths.set(path, nowMs)
  }

  /** When this peer was last heard, in ms. */
  lastHeard(key: string): number {
    return Math.max(0, ...(this.#peers.get(key)?.paths.values() ?? []))
  }

  /** The first valid client frame came. */
  markLive(key: string): void {
    const peer = this.#peers.get(key)
    if (peer !== undefined) peer.live = true
  }

  /** From here on its nonce is refused until its epochs have left the window. */
  close(key: string): void {
    const peer = this.#peers.get(key)
    this.#peers.delete(key)
    for (const path of peer?.paths.keys() ?? []) {
      if (this.#owners.get(path) === peer) this.#owners.delete(path)
    }
  }
}
