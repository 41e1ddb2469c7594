// Which ports the router hands on, and for how long (docs/DESIGN.md, "The router"): a pure machine `step(state, input)`.
// Time, randomness and the router's answers come in, questions to it go out, one at a time.

import { toHex } from '../shared/bytes.ts'
import type { RandomBytes } from '../shared/crypto.ts'
import type { Granted, MapFailure, MapProtocol, Sight } from './gateway.ts'
import {
  farAddresses,
  findLive,
  isMoot,
  type Job,
  type Live,
  type MappingOptions,
  type MappingState,
  type Router,
  type Slot,
  type Wanted,
} from './mapstate.ts'

type Answer =
  | {
      readonly type: 'found'
      readonly gateway: string
      readonly client: string
      /** at least one */
      readonly protocols: readonly (Sight & { readonly protocol: MapProtocol })[]
    }
  | { readonly type: 'not-found'; readonly cause: NonNullable<MappingState['missing']> }
  | ({ readonly type: 'mapped' } & Granted)
  | { readonly type: 'unmapped' }
  | ({ readonly type: 'looked'; readonly present: boolean | null } & Sight)
  | { readonly type: 'failed'; readonly failure: MapFailure }

export type MappingInput = (
  | Answer
  /** `leftovers`: what the last run kept on disk */
  | { readonly type: 'start'; readonly leftovers: readonly Slot[] }
  | { readonly type: 'wanted'; readonly wanted: readonly Wanted[] }
  /** the gateway or this computer's own address is another one */
  | { readonly type: 'moved' }
  /** something else broke: the router is asked at once, and more often for a while */
  | { readonly type: 'doubt' }
  /** what a STUN server saw; null: it did not answer */
  | { readonly type: 'seen'; readonly address: string | null }
  | { readonly type: 'wake' }
  /** deletes everything; `stopped` follows */
  | { readonly type: 'stop' }
) & { readonly nowMs: number; readonly random: RandomBytes }

export type MappingEffect =
  | Job
  /** persist, before anything that follows */
  | { readonly type: 'save'; readonly slots: readonly Slot[] }
  /** {@link farAddresses} are others */
  | { readonly type: 'changed' }
  /** answer with `seen` */
  | { readonly type: 'ask-stun' }
  | { readonly type: 'stopped' }

export interface MappingStep {
  readonly state: MappingState
  readonly effects: MappingEffect[]
  /** when to send `wake`, or null while an answer is awaited */
  readonly wakeAtMs: number | null
}

/** For each transport: the port of now, and the one before or the next. */
const MAX_LIVE = 2
const LOOK_MS = 10_000
/** for so long after a doubt */
const DOUBT_MS = 60_000
const DOUBT_LOOK_MS = 2000
const FIRST_SEARCH_MS = 60_000
const LAST_SEARCH_MS = 15 * 60_000
/** while something was mapped: the router restarts, and will be back; at first, and if it takes longer than a minute or two */
const LOST_SEARCH_MS = [1000, 5000] as const
const LOST_SEARCHES = 20
const REPEAT_MS = 1000
const MISSES = 2
const MAX_CONFLICTS = 4
/** until a router that refused is asked again */
const REFUSED_MS = 10 * 60_000
const MIN_RENEW_MS = 1000
const MAX_LEFTOVERS = 16
const PERMANENT_KEPT_MS = 30 * 86_400_000
const FIRST_PORT = 49_152

export const createMapping = (options: MappingOptions): MappingState => ({
  options,
  phase: 'idle',
  wanted: [],
  router: null,
  live: [],
  leftovers: [],
  busy: null,
  searchAtMs: 0,
  searches: 0,
  lookAtMs: 0,
  doubtUntilMs: 0,
  looks: 0,
  misses: 0,
  missing: null,
  seen: null,
  nowMs: 0,
})

export function stepMapping(state: MappingState, input: MappingInput): MappingStep {
  const run = new Run(state, input.nowMs, input.random)
  run.take(input)
  const { effects } = run
  const before = JSON.stringify(farAddresses(state))
  if (JSON.stringify(farAddresses(run.state)) !== before) effects.push({ type: 'changed' })
  return { state: run.state, effects, wakeAtMs: run.wakeAtMs() }
}

const slotOf = ({ granted, leaseMs, renewAtMs, conflicts, refusals, failure, ...slot }: Live) =>
  slot satisfies Slot

/** One step: a copy of the state under change, and the effects so far. */
class Run {
  state: MappingState
  readonly effects: MappingEffect[] = []
  private readonly nowMs: number
  private readonly random: RandomBytes

  constructor(state: MappingState, nowMs: number, random: RandomBytes) {
    this.state = state
    this.nowMs = nowMs
    this.random = random
  }

  take(input: MappingInput): void {
    if (this.state.phase === 'stopped') return
    this.keepTime()
    const { busy } = this.state
    switch (input.type) {
      case 'start':
        if (this.state.phase !== 'idle') break
        this.set({ phase: 'searching', leftovers: input.leftovers, searchAtMs: this.nowMs })
        break
      case 'wanted':
        this.set({ wanted: atMostLive(input.wanted) })
        break
      case 'moved':
        this.leave()
        break
      case 'doubt':
        this.set({
          doubtUntilMs: this.nowMs + DOUBT_MS,
          lookAtMs: this.nowMs,
          searchAtMs: this.nowMs,
        })
        break
      case 'seen':
        this.set({ seen: input.address })
        break
      case 'stop':
        this.set({ phase: 'stopping' })
        // A router that is not known now is not waited for.
        if (busy?.type === 'find') this.end()
        break
      case 'wake':
        break
      default:
        this.set({ busy: null })
        if (busy !== null) this.answered(busy, input)
    }
    this.expire()
    this.plan()
  }

  wakeAtMs(): number | null {
    const { phase, busy, searchAtMs, lookAtMs, live } = this.state
    if (busy !== null || phase === 'idle' || phase === 'stopped') return null
    if (phase === 'searching') return searchAtMs
    return Math.min(lookAtMs, ...live.map(({ renewAtMs }) => renewAtMs))
  }

  private set(change: Partial<MappingState>): void {
    this.state = { ...this.state, ...change }
  }

  private setLive(slot: Live, change: Partial<Live>): void {
    const live = this.state.live.map((each) => (isSame(each, slot) ? { ...each, ...change } : each))
    this.set({ live })
  }

  /** A clock that went back must not lengthen a wait: routers count on. */
  private keepTime(): void {
    const { nowMs, live } = this.state
    if (this.nowMs < nowMs - REPEAT_MS) {
      const renewed = live.map((slot) => ({ ...slot, renewAtMs: this.nowMs }))
      this.set({ live: renewed, searchAtMs: this.nowMs, lookAtMs: this.nowMs })
    }
    this.set({ nowMs: this.nowMs })
  }

  private answered(job: Job, input: Answer): void {
    if (input.type === 'found') this.found(input)
    else if (input.type === 'not-found') this.notFound(input.cause)
    else if (input.type === 'failed') this.failed(job, input.failure)
    else if (input.type === 'mapped' && job.type === 'map') this.mapped(job.slot, input)
    else if (input.type === 'unmapped' && job.type === 'unmap') this.forget(job.slot)
    else if (input.type === 'looked' && job.type === 'look') this.looked(job.slot, input)
  }

  private found({ gateway, client, protocols }: Extract<Answer, { type: 'found' }>): void {
    const { router } = this.state
    if (router && (router.gateway !== gateway || router.client !== client)) this.leave()
    const external = protocols.find((each) => each.external !== null)?.external ?? null
    this.set({
      phase: this.state.phase === 'stopping' ? 'stopping' : 'ready',
      router: {
        gateway,
        client,
        protocols: protocols.map(({ protocol }) => protocol),
        external: this.state.options.family === 6 ? null : external,
        boot: null,
        permanent: false,
      },
      searches: 0,
      misses: 0,
      missing: null,
      lookAtMs: this.nowMs + LOOK_MS,
      // It may have forgotten them while it was silent.
      live: this.state.live.map((slot) => ({ ...slot, renewAtMs: this.nowMs })),
    })
    this.effects.push({ type: 'ask-stun' })
  }

  private notFound(missing: NonNullable<MappingState['missing']>): void {
    const { searches, live } = this.state
    const wait = Math.min(FIRST_SEARCH_MS * 2 ** Math.min(searches, 10), LAST_SEARCH_MS)
    const lost = live.some(({ granted }) => granted)
    const lostWait = LOST_SEARCH_MS[searches < LOST_SEARCHES ? 0 : 1]
    this.set({
      searches: searches + 1,
      missing,
      searchAtMs: this.nowMs + (lost ? lostWait : wait),
    })
  }

  /** Another network: what was mapped in the old one cannot be deleted from here. */
  private leave(): void {
    this.retire(this.state.live)
    this.set({ router: null, searchAtMs: this.nowMs, searches: 0, seen: null })
    if (this.state.phase === 'ready') this.set({ phase: 'searching' })
  }

  /** From mapped to leftover. */
  private retire(slots: readonly Live[]): void {
    if (slots.length === 0) return
    const { live, leftovers } = this.state
    this.set({
      live: live.filter((slot) => !slots.includes(slot)),
      leftovers: [...leftovers, ...slots.map(slotOf)].slice(-MAX_LEFTOVERS),
    })
    this.save()
  }

  private save(): void {
    const { live, leftovers } = this.state
    this.effects.push({ type: 'save', slots: [...leftovers, ...live.map(slotOf)] })
  }

  private mapped(asked: Slot, granted: Granted): void {
    const { externalPort, leaseMs } = granted
    const untilMs = leaseMs === 0 ? null : this.nowMs + leaseMs
    const slot = this.state.live.find((each) => isSame(each, asked))
    if (slot === undefined) {
      // Meanwhile nobody wants it: its port is the one to delete.
      const leftovers = this.state.leftovers.map((each) =>
        isSame(each, asked) ? { ...each, externalPort, untilMs } : each,
      )
      this.set({ leftovers, misses: 0 })
    } else {
      const kept = slot.granted && slot.externalPort === externalPort
      this.setLive(slot, {
        ...{ externalPort, leaseMs, untilMs, granted: true, failure: null },
        ...{ conflicts: 0, refusals: 0, sinceMs: kept ? slot.sinceMs : this.nowMs },
        renewAtMs: this.nowMs + Math.max(MIN_RENEW_MS, leaseMs === 0 ? Infinity : leaseMs / 2),
      })
      this.set({ misses: 0 })
      this.see(granted)
    }
    this.save()
  }

  private forget(slot: Slot): void {
    this.set({ misses: 0, leftovers: this.state.leftovers.filter((each) => !isSame(each, slot)) })
    this.save()
  }

  private looked(slot: Slot | null, sight: Sight & { present: boolean | null }): void {
    this.set({ misses: 0 })
    this.see(sight)
    const gone = this.state.live.find((each) => slot !== null && isSame(each, slot))
    if (gone && sight.present === false) {
      this.setLive(gone, { granted: false, renewAtMs: this.nowMs })
    }
  }

  /** What the router says of itself: whether it restarted, and whether its far address is another. */
  private see({ external, uptimeMs }: Sight): void {
    const { router, options, live } = this.state
    if (router === null) return
    const seen = uptimeMs === null ? null : { startMs: this.nowMs - uptimeMs, atMs: this.nowMs }
    const restarted = seen !== null && hasRestarted(router.boot, seen)
    if (restarted) {
      this.set({ live: live.map((slot) => ({ ...slot, renewAtMs: this.nowMs })) })
    }
    // The first reckoning stays: many small differences must not hide a restart.
    const startMs = restarted
      ? seen.startMs
      : Math.min(router.boot?.startMs ?? Infinity, seen?.startMs ?? Infinity)
    const boot = seen === null ? router.boot : { startMs, atMs: this.nowMs }
    const now = options.family === 6 || external === null ? router.external : external
    this.setRouter({ boot, external: now })
    if (now === router.external) return
    const again = this.state.live.map((slot) =>
      slot.granted ? slot : { ...slot, renewAtMs: this.nowMs },
    )
    this.set({ live: again })
    this.effects.push({ type: 'ask-stun' })
  }

  private setRouter(change: Partial<Router>): void {
    if (this.state.router) this.set({ router: { ...this.state.router, ...change } })
  }

  private failed(job: Job, failure: MapFailure): void {
    if (job.type === 'find') this.notFound('no-answer')
    else if (failure === 'no-answer') this.missed()
    else if (job.type === 'unmap') this.forget(job.slot)
    else {
      const slot = this.state.live.find((each) => job.slot !== null && isSame(each, job.slot))
      if (slot === undefined) return
      // A router that may not be looked at tells why when it maps.
      if (job.type === 'look') this.setLive(slot, { renewAtMs: this.nowMs })
      else this.mapFailed(slot, failure)
    }
  }

  private mapFailed(slot: Live, failure: MapFailure): void {
    if (failure === 'permanent-only' && this.state.router?.permanent === false) {
      this.setRouter({ permanent: true })
    } else if (failure === 'conflict' && slot.conflicts < MAX_CONFLICTS) {
      const [high = 0, low = 0] = this.random(2)
      const externalPort = FIRST_PORT + ((high * 256 + low) & 0x3fff)
      this.setLive(slot, { conflicts: slot.conflicts + 1, externalPort })
    } else this.refused(slot, failure)
  }

  /** The next protocol may do it. */
  private refused(slot: Live, failure: MapFailure): void {
    const protocols = this.state.router?.protocols ?? []
    const refusals = slot.refusals + 1
    const protocol = protocols[(protocols.indexOf(slot.protocol) + 1) % protocols.length]
    const exhausted = refusals >= protocols.length
    this.setLive(slot, {
      ...{ protocol: protocol ?? slot.protocol, granted: false, failure, conflicts: 0 },
      refusals: exhausted ? 0 : refusals,
      renewAtMs: this.nowMs + (exhausted ? REFUSED_MS : 0),
    })
  }

  private missed(): void {
    const misses = this.state.misses + 1
    this.set({ misses, lookAtMs: this.nowMs + REPEAT_MS })
    const live = this.state.live.map((slot) =>
      slot.renewAtMs <= this.nowMs ? { ...slot, renewAtMs: this.nowMs + REPEAT_MS } : slot,
    )
    this.set({ live })
    if (this.state.phase === 'stopping') this.end()
    else if (misses >= MISSES) {
      this.set({ phase: 'searching', searchAtMs: this.nowMs, misses: 0 })
    }
  }

  private expire(): void {
    const { live, leftovers, phase, misses } = this.state
    const isOver = ({ untilMs, sinceMs }: Slot): boolean =>
      (untilMs ?? sinceMs + PERMANENT_KEPT_MS) <= this.nowMs
    if (leftovers.some(isOver)) {
      this.set({ leftovers: leftovers.filter((slot) => !isOver(slot)) })
      this.save()
    }
    // A lease that ran out counts as such once its renewal was tried.
    const silent = phase === 'searching' || misses > 0
    const lost = live.filter((slot) => slot.granted && slot.untilMs !== null && isOver(slot))
    for (const slot of lost) if (silent) this.setLive(slot, { granted: false })
  }

  private plan(): void {
    const { phase } = this.state
    if (phase === 'stopped') return
    if (phase === 'ready' || phase === 'stopping') this.retireUnwanted()
    if (this.state.busy !== null) return
    const job =
      phase === 'searching' && this.state.searchAtMs <= this.nowMs
        ? ({ type: 'find' } as const)
        : (this.nextUnmap() ?? (phase === 'ready' ? (this.nextMap() ?? this.nextLook()) : null))
    if (job !== null) {
      this.set({ busy: job })
      this.effects.push(job)
    } else if (phase === 'stopping') this.end()
  }

  private end(): void {
    this.set({ phase: 'stopped' })
    this.effects.push({ type: 'stopped' })
  }

  private retireUnwanted(): void {
    const { wanted, live, phase } = this.state
    const kept = phase === 'stopping' || isMoot(this.state) ? [] : wanted
    this.retire(
      live.filter(
        (slot) => !kept.some((w) => w.transport === slot.transport && w.port === slot.internalPort),
      ),
    )
  }

  private nextUnmap(): Job | null {
    const { router, leftovers, phase } = this.state
    if (router === null || phase === 'searching') return null
    const slot = leftovers.find(
      ({ gateway, client, protocol }) =>
        gateway === router.gateway &&
        client === router.client &&
        router.protocols.includes(protocol),
    )
    return slot ? { type: 'unmap', slot } : null
  }

  private nextMap(): Job | null {
    if (isMoot(this.state)) return null
    for (const wanted of this.state.wanted) {
      const slot = findLive(this.state, wanted.transport, wanted.port) ?? this.add(wanted)
      if (slot === null || slot.renewAtMs > this.nowMs) continue
      const leaseMs = this.state.router?.permanent ? 0 : this.state.options.leaseMs
      this.save()
      return { type: 'map', slot: slotOf(slot), leaseMs }
    }
    return null
  }

  /** The same port outside as inside, for then yesterday's record is right too. */
  private add({ transport, port }: Wanted): Live | null {
    const { router, live, options } = this.state
    const trusted = live.find(({ granted }) => granted)?.protocol ?? router?.protocols[0]
    if (router === null || trusted === undefined) return null
    const slot: Live = {
      gateway: router.gateway,
      client: router.client,
      protocol: trusted,
      transport,
      internalPort: port,
      externalPort: port,
      nonce: toHex(this.random(12)),
      sinceMs: this.nowMs,
      untilMs: this.nowMs + options.leaseMs,
      granted: false,
      leaseMs: options.leaseMs,
      renewAtMs: this.nowMs,
      conflicts: 0,
      refusals: 0,
      failure: null,
    }
    this.set({ live: [...live, slot] })
    return slot
  }

  private nextLook(): Job | null {
    const { lookAtMs, live, looks, doubtUntilMs } = this.state
    if (lookAtMs > this.nowMs) return null
    const granted = live.filter((slot) => slot.granted)
    const slot = granted[looks % Math.max(1, granted.length)]
    const wait = this.nowMs < doubtUntilMs ? DOUBT_LOOK_MS : LOOK_MS
    this.set({ lookAtMs: this.nowMs + wait, looks: looks + 1 })
    return { type: 'look', slot: slot ? slotOf(slot) : null }
  }
}

/** Whatever its external port: one mapping of ours. */
const isSame = (a: Slot, b: Slot): boolean => a.nonce === b.nonce

const atMostLive = (wanted: readonly Wanted[]): Wanted[] =>
  (['udp', 'tcp'] as const).flatMap((transport) =>
    wanted.filter((each) => each.transport === transport).slice(0, MAX_LIVE),
  )

/** It started later than it said: its mappings are gone. Clocks differ by 2 s and an eighth (RFC 6886 §3.6). */
function hasRestarted(before: Router['boot'], now: NonNullable<Router['boot']>): boolean {
  if (before === null) return false
  const elapsed = Math.max(0, now.atMs - before.atMs)
  return now.startMs > before.startMs + 2000 + elapsed / 8
}
