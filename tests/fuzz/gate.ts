// The gate (SPEC §4, §4.1) under any sequence of requests, closings, epochs, clocks and restarts.
// Each decision is checked against what is known of the knock, not against another gate.
import { type Decision, Gate, LIMIT, type Path, pathKey } from '../../host/gate.ts'
import { type BindingRequest, encodeBindingRequest, parseBindingRequest } from '../../host/stun.ts'
import { toHex } from '../../shared/bytes.ts'
import { HINT_WINDOW } from '../../shared/constants.ts'
import { hostTag, icePassword, knockUfrag, sealKnock } from '../../shared/knock.ts'
import { fixed } from '../vectors/fixed.ts'
import { at, Choices } from './dice.ts'
import { must, type Target } from './target.ts'

const TAG = hostTag(fixed('fuzz host'))
const EPOCH = 500
const CREDENTIALS = ['a', 'b', 'c'].map((id) => ({ id, root: fixed(`fuzz root ${id}`) }))
const STRANGER = { id: 'd', root: fixed('fuzz root d') }
const NEWCOMER = { id: 'new', root: fixed('fuzz newcomer') }
const UFRAG = 'abcd'

interface Knock {
  readonly credential: string
  readonly epoch: number
  readonly nonce: string
  readonly ufrag: string
  readonly password: string
}

/** Sealed once for all executions. */
const knocks = new Map<string, Knock>()

const knockOf = (from: Choices, draws: number): Knock =>
  seal(
    from.pick([...CREDENTIALS, ...CREDENTIALS, STRANGER]),
    from.pick([EPOCH, EPOCH, EPOCH - 3 + from.below(8)]),
    `draw ${from.below(draws)}`,
  )

function seal(credential: typeof STRANGER, epoch: number, draw: string): Knock {
  const name = `${credential.id} ${epoch} ${draw}`
  const known = knocks.get(name)
  if (known !== undefined) return known
  const nonce = fixed(`fuzz nonce ${name}`, 12)
  const sealed = sealKnock({
    root: credential.root,
    hostTag: TAG,
    epoch,
    route: 'direct',
    timeMs: 1,
    clientFingerprint: fixed('fuzz client'),
    nonce,
    clientUfrag: UFRAG,
  })
  const knock = {
    credential: credential.id,
    epoch,
    nonce: toHex(nonce),
    ufrag: knockUfrag(sealed),
    password: icePassword(credential.root, nonce),
  }
  knocks.set(name, knock)
  return knock
}

/** More knocks of one credential than a minute allows. */
function burst(i: number): Knock {
  return seal(at(CREDENTIALS, 0), EPOCH, `burst ${i}`)
}

/** A peer as this test believes it to be. */
interface Peer {
  readonly knock: Knock
  readonly admittedMs: number
  readonly paths: Map<string, number>
  live: boolean
}

function requestOf(username: string, password: string, transaction: Buffer): BindingRequest {
  const packet = encodeBindingRequest({ transaction, username, password, useCandidate: false })
  const request = parseBindingRequest(packet)
  if (request === null) throw new Error('bug: the request cannot be parsed')
  return request
}

const INTERVAL_MS = 20_000

class World {
  gate = new Gate(TAG, [], 0)
  nowMs = 1_000_000
  epoch = EPOCH
  credentials = CREDENTIALS
  /** the clock never went back so far: only then are the limits per time exact */
  steady = true
  readonly peers = new Map<string, Peer>()
  readonly owners = new Map<string, Peer>()
  readonly nonces = new Map<string, number>()
  readonly admissions: { credential: string; atMs: number }[] = []
  last: Knock | null = null
  readonly repeats: number
  readonly draws: number
  readonly ports: number

  constructor(from: Choices) {
    this.repeats = from.pick([1, 2, 4, 32])
    this.draws = from.pick([1, 2, 8])
    this.ports = from.pick([1, 6])
    this.refresh()
  }

  refresh(): void {
    this.gate.setCredentials(this.credentials, this.epoch)
    for (const nonce of this.gate.forget(this.epoch, this.nowMs, INTERVAL_MS)) {
      must((this.nonces.get(nonce) ?? this.epoch) < this.epoch, 'forgets what no hint names')
      this.nonces.delete(nonce)
    }
  }

  restart(): void {
    const used = [...this.nonces].map(([nonce, untilEpoch]) => ({ nonce, untilEpoch }))
    this.gate = new Gate(TAG, used, this.nowMs)
    this.peers.clear()
    this.owners.clear()
    this.admissions.length = 0
    this.refresh()
  }

  close(nonce: string): void {
    this.gate.close(nonce)
    const peer = this.peers.get(nonce)
    this.peers.delete(nonce)
    for (const [path, owner] of this.owners) if (owner === peer) this.owners.delete(path)
  }

  request(from: Choices): void {
    // Browsers repeat their checks, each from few addresses or many.
    if (this.last === null || from.below(this.repeats) === 0) this.last = knockOf(from, this.draws)
    const path: Path = {
      socket: from.pick(['here', 'here', 'there']),
      address: from.pick(['192.0.2.1', '192.0.2.2', '2001:db8::1', 'fe80::1%eth0']),
      port: 1000 + from.below(this.ports),
    }
    const transaction = Buffer.alloc(12, from.rarely(4) ? 1 : from.u8())
    this.ask(this.last, path, transaction, from.below(24))
  }

  /** A minute's worth of knocks by one device. */
  flood(from: Choices): void {
    const first = from.below(40)
    for (let i = first; i < first + 34; i++) {
      const path = { socket: 'here', address: '203.0.113.9', port: i }
      this.ask(burst(i), path, Buffer.alloc(12), 0)
      this.close(burst(i).nonce)
    }
  }

  /** `spoilt` 1 to 4: knock, client's ufrag, password, length. */
  ask(knock: Knock, path: Path, transaction: Buffer, spoilt: number): void {
    const other = knock.ufrag.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))
    const ufrag = spoilt === 1 ? other : spoilt === 4 ? 'short' : knock.ufrag
    const username = `${ufrag}:${spoilt === 2 ? 'efgh' : UFRAG}`
    const password = spoilt === 3 ? 'p'.repeat(24) : knock.password
    const request = requestOf(username, password, transaction)
    const decision = this.gate.handle(request, path, this.nowMs)
    if (decision.type === 'drop') return
    must(spoilt < 1 || spoilt > 4, 'what was spoilt is dropped')
    if (decision.type === 'admit') this.admitted(decision, knock, pathKey(path))
    else this.checked(decision, knock, pathKey(path))
  }

  admitted(
    { peer, nonce, untilEpoch }: Extract<Decision, { type: 'admit' }>,
    knock: Knock,
    path: string,
  ): void {
    must(peer.credentialId === knock.credential && peer.epoch === knock.epoch, 'names the knock')
    must(nonce === knock.nonce && untilEpoch === knock.epoch + HINT_WINDOW, 'keeps its nonce')
    const known = this.credentials.some(({ id }) => id === knock.credential)
    must(known, 'a credential that is gone opens nothing')
    must(Math.abs(knock.epoch - this.epoch) <= HINT_WINDOW, 'epochs -2 to +2 only')
    must(!this.nonces.has(nonce), 'a knock is accepted once')
    this.nonces.set(nonce, untilEpoch)
    this.limits(knock)
    const mine = { knock, admittedMs: this.nowMs, paths: new Map<string, number>(), live: false }
    this.peers.set(nonce, mine)
    this.took(mine, path)
  }

  limits({ credential }: Knock): void {
    const waiting = [...this.peers.values()].filter((peer) => !peer.live)
    const own = waiting.filter(({ knock }) => knock.credential === credential)
    must(own.length < LIMIT.halfOpenPerCredential, 'half-open peers per credential')
    must(waiting.length < LIMIT.halfOpen, 'half-open peers in all')
    const recent = this.admissions.filter(
      (one) => one.credential === credential && this.nowMs - one.atMs < 60_000,
    )
    must(!this.steady || recent.length < LIMIT.noncesPerMinute, 'nonces per minute')
    this.admissions.push({ credential, atMs: this.nowMs })
  }

  checked({ peer }: Extract<Decision, { type: 'check' }>, knock: Knock, path: string): void {
    const mine = this.peers.get(knock.nonce)
    if (mine === undefined) throw new Error('broken promise: a closed peer is not checked')
    must(peer.key === knock.nonce, 'the peer of this knock')
    const age = this.nowMs - mine.admittedMs
    const owned = this.owners.get(path) === mine
    must(owned || age <= LIMIT.admissionMs, 'new addresses within 30 s')
    must(mine.paths.has(path) || mine.paths.size < LIMIT.addresses, 'at most 8 addresses')
    this.took(mine, path)
  }

  took(peer: Peer, path: string): void {
    const owner = this.owners.get(path)
    if (owner !== undefined && owner !== peer && this.steady) {
      const silence = this.nowMs - (owner.paths.get(path) ?? 0)
      must(silence >= LIMIT.heardMs, "nobody gets a peer's address while it is heard")
    }
    peer.paths.set(path, this.nowMs)
    this.owners.set(path, peer)
  }

  anyPeer(from: Choices): [string, Peer] | undefined {
    return [...this.peers].at(from.below(8) % Math.max(1, this.peers.size))
  }

  step(from: Choices): void {
    const kind = from.below(32)
    const [nonce, peer] = this.anyPeer(from) ?? []
    if (kind < 20) this.request(from)
    else if (kind === 20) this.flood(from)
    else if (kind < 23) this.nowMs += from.pick([1, 50, 999, 15_000, 30_000, 30_001, 60_000])
    else if (kind === 23) {
      this.nowMs -= from.below(65_536)
      this.steady = false
    } else if (kind === 24) {
      this.epoch = EPOCH - 2 + from.below(5)
      this.refresh()
    } else if (kind === 25) {
      this.credentials = CREDENTIALS.filter((_, i) => (from.below(4) >> i) % 2 === 0)
      this.refresh()
    } else if (kind === 26) this.restart()
    else if (nonce === undefined || peer === undefined) return
    else if (kind < 29) this.close(nonce)
    else if (kind === 29) {
      this.gate.markLive(nonce)
      peer.live = true
    } else {
      const [path = 'no path'] = [...peer.paths.keys()]
      this.gate.heard(nonce, path, this.nowMs)
      if (peer.paths.has(path)) peer.paths.set(path, this.nowMs)
    }
  }
}

/** After all that, somebody new gets in: from elsewhere, and from an address whose peers have closed. */
function stillOpens(world: World): void {
  for (const nonce of [...world.peers.keys()]) world.close(nonce)
  // A bucket of failures is full again after two seconds; an address is owned for thirty.
  world.nowMs += 2000
  const path = { socket: 'here', address: '198.51.100.1', port: 9 }
  world.gate.setCredentials([NEWCOMER], EPOCH)
  const paths = world.steady ? [path, { ...path, address: '192.0.2.1', port: 1000 }] : [path]
  for (const [i, from] of paths.entries()) {
    const { ufrag, password } = seal(NEWCOMER, EPOCH, `${i}`)
    const request = requestOf(`${ufrag}:${UFRAG}`, password, Buffer.alloc(12))
    must(world.gate.handle(request, from, world.nowMs).type === 'admit', 'a newcomer gets in')
  }
}

export const gate: Target = {
  name: 'gate',
  maxBytes: 1500,
  run(input) {
    const from = new Choices(input)
    const world = new World(from)
    for (let steps = 0; from.more && steps < 300; steps++) world.step(from)
    stillOpens(world)
  },
}
