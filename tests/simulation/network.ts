// A network that delays, loses, doubles, swaps and damages, and falls apart for a while: datagrams for the knock, and
// carriers that are ordered as SCTP is until a fault breaks them. It also watches: no nonce twice, no plaintext.
import { toHex } from '../../shared/bytes.ts'
import type { Aead, CryptoBackend } from '../../shared/crypto.ts'
import type { Chance, World } from './world.ts'

/** Probabilities per datagram or frame; all zero once the simulation calms down. */
export interface Faults {
  readonly lose: number
  readonly double: number
  readonly swap: number
  readonly damage: number
}

export const CALM: Faults = { lose: 0, double: 0, swap: 0, damage: 0 }

/** Names and addresses of the simulation. */
const PRIVATE = ['device-', '10.0.0.1', '10.1.'] as const

const LATENCY_MS = [1, 80] as const
/** A carrier whose other end fell silent is given up after this (both real stacks do so). */
const SILENCE_MS = 30_000

export class Network {
  readonly world: World
  readonly chance: Chance
  faults: Faults
  /** devices that reach nobody now */
  readonly cut = new Set<string>()
  /** what must never be seen on the wire */
  readonly secrets: Uint8Array[] = []
  readonly carriers = new Set<SimCarrier>()
  /** when each device, by hex id, was last in */
  readonly connectedMs = new Map<string, number>()
  frames = 0
  events = 0

  constructor(world: World, chance: Chance, faults: Faults) {
    this.world = world
    this.chance = chance
    this.faults = faults
  }

  latency(): number {
    return this.chance.between(...LATENCY_MS)
  }

  /** One datagram: not at all, once or twice, in any order. */
  datagram(device: string, deliver: () => void): void {
    const copies = this.chance.chance(this.faults.double) ? 2 : 1
    for (let i = 0; i < copies; i++) {
      if (this.chance.chance(this.faults.lose)) continue
      this.world.after(this.latency(), () => {
        if (!this.cut.has(device)) deliver()
      })
    }
  }

  connect(device: string): [SimCarrier, SimCarrier] {
    // Paths differ: what is said on an older carrier may overtake what was said before on a newer one.
    const slowMs = this.chance.chance(0.5) ? this.chance.between(0, 300) : 0
    const [a, b] = [new SimCarrier(this, device, slowMs), new SimCarrier(this, device, slowMs)]
    a.pair(b)
    b.pair(a)
    return [a, b]
  }

  /** An event or log line of the host: nothing that names a person, an address or a message. */
  hear(event: object): void {
    const text = JSON.stringify(event)
    const said = [...this.secrets.map((secret) => Buffer.from(secret).toString()), ...PRIVATE]
    for (const secret of said)
      if (text.includes(secret)) this.world.fail(new Error('a secret in an event'))
    if (/[0-9a-f]{64}/.test(text)) this.world.fail(new Error('32 bytes in an event: a key'))
    this.events += 1
    const { event: name, device } = event as { event?: string; device?: string }
    if (name === 'connected' && device !== undefined) this.connectedMs.set(device, this.world.nowMs)
  }

  look(bytes: Uint8Array): void {
    this.frames += 1
    for (const secret of this.secrets)
      if (indexOf(bytes, secret) >= 0) this.world.fail(new Error('plaintext on the wire'))
  }
}

function indexOf(bytes: Uint8Array, part: Uint8Array): number {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(part)
}

/** One end of an ordered message pipe; both real carriers look like this (host/link.ts, web/dial.ts). */
export class SimCarrier {
  readonly #network: Network
  readonly #device: string
  readonly #slowMs: number
  #peer: SimCarrier | null = null
  #listener: ((bytes: Uint8Array) => void) | null = null
  readonly #early: Uint8Array[] = []
  readonly #closers: (() => void)[] = []
  #closed = false
  #arrivesMs = 0
  #heardMs: number
  #held: Uint8Array | null = null

  constructor(network: Network, device: string, slowMs: number) {
    this.#network = network
    this.#device = device
    this.#slowMs = slowMs
    this.#heardMs = network.world.nowMs
    network.carriers.add(this)
  }

  pair(peer: SimCarrier): void {
    this.#peer = peer
    this.#watch()
  }

  /** Keep-alives of ICE: a path that carries nothing for a while is gone. */
  #watch(): void {
    const { world } = this.#network
    world.after(5000, () => {
      if (this.#closed) return
      if (this.#network.cut.has(this.#device) || this.#peer?.closed) {
        if (world.nowMs - this.#heardMs > SILENCE_MS) return this.vanish()
      } else this.#heardMs = world.nowMs
      this.#watch()
    })
  }

  get closed(): boolean {
    return this.#closed
  }

  send(bytes: Uint8Array): void {
    if (this.#closed) return
    const { faults, chance, world } = this.#network
    if (bytes.length === 0) world.fail(new Error('an empty message blocks a werift channel'))
    this.#network.look(bytes)
    if (chance.chance(faults.lose)) return
    const copy = new Uint8Array(bytes)
    if (chance.chance(faults.damage)) {
      const at = chance.between(0, copy.length - 1)
      copy[at] = (copy[at] ?? 0) ^ (1 << chance.between(0, 7))
    }
    if (chance.chance(faults.swap) && this.#held === null) {
      this.#held = copy
      return
    }
    this.#deliver(copy)
    if (chance.chance(faults.double)) this.#deliver(copy)
    if (this.#held !== null) this.#deliver(this.#held)
    this.#held = null
  }

  #deliver(bytes: Uint8Array): void {
    const { world } = this.#network
    const peer = this.#peer
    this.#arrivesMs = Math.max(
      this.#arrivesMs,
      world.nowMs + this.#slowMs + this.#network.latency(),
    )
    world.after(this.#arrivesMs - world.nowMs, () => {
      if (!this.#network.cut.has(this.#device)) peer?.arrive(bytes)
    })
  }

  arrive(bytes: Uint8Array): void {
    if (this.#closed) return
    if (this.#listener === null) this.#early.push(bytes)
    else this.#listener(bytes)
  }

  onMessage(listener: (bytes: Uint8Array) => void): void {
    this.#listener = listener
    for (const bytes of this.#early.splice(0)) listener(bytes)
  }

  onClose(listener: () => void): void {
    if (this.#closed) listener()
    else this.#closers.push(listener)
  }

  markLive(): void {}

  drained(): Promise<void> {
    return Promise.resolve()
  }

  /** Ends here; the other end hears of it if the network lets it. */
  close(): void {
    if (this.#closed) return
    this.vanish()
    const { world } = this.#network
    const peer = this.#peer
    this.#arrivesMs = Math.max(
      this.#arrivesMs,
      world.nowMs + this.#slowMs + this.#network.latency(),
    )
    world.after(this.#arrivesMs - world.nowMs, () => {
      if (!this.#network.cut.has(this.#device)) peer?.vanish()
    })
  }

  /** Ends here without a word to the other end, as a crash does. */
  vanish(): void {
    if (this.#closed) return
    this.#closed = true
    this.#network.carriers.delete(this)
    for (const closer of this.#closers.splice(0)) closer()
  }
}

/** A back end that notices when a nonce is used twice under one key. */
export function watchNonces(backend: CryptoBackend, world: World): CryptoBackend {
  const used = new Set<string>()
  return {
    ...backend,
    aead: (key) => {
      const name = toHex(key)
      const wrap = (inner: Aead): Aead => ({
        ...inner,
        seal: (nonce, aad, plaintext) => {
          const once = `${name} ${toHex(nonce)}`
          if (used.has(once)) world.fail(new Error('a nonce was used twice'))
          used.add(once)
          return inner.seal(nonce, aad, plaintext)
        },
      })
      const made = backend.aead(key)
      return made instanceof Promise ? made.then(wrap) : wrap(made as Aead)
    },
  }
}
