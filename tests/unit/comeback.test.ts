// How long a conversation takes to come back once a path is usable again (SPEC §4.2, "Coming back"): the real decisions of
// pulse.ts and redial.ts on a network that is modelled after traces of the lab, under virtual time.
import { describe, expect, test } from 'vitest'
import { SHORTER } from '../../web/open.ts'
import { type Heartbeat, lookMs, Pulse } from '../../web/pulse.ts'
import {
  counts,
  type DialEffect,
  type RedialInput,
  type RedialTimer,
  restingRedial,
  stepRedial,
} from '../../web/redial.ts'
import { Chance } from '../simulation/world.ts'

/** SPEC §4.2 */
const TYPICAL_MS = 3000
const RARELY_MS = 5000
const HEAD_MS = { urgent: 300, else: 1000 }
/** of one way, until it is given up */
const DEADLINE_MS = 8000
/** a store that hangs, where the device's copy covers the moment, and where every store is waited for */
const STORE_MS = { quick: 2000, patient: 5000 }
/** when the system sends a SYN again */
const SYN_MS = [0, 1000, 3000, 7000]

interface Break {
  /** for so long no path is usable */
  readonly ms: number
  /** the system tells of the end of it; then WebRTC has no address for as long */
  readonly toldLateMs: number | null
  /** what the device knew of the host is worth nothing any more */
  readonly moves: boolean
  /** the host's own: stores answer all the while, and its line to the mailbox is back so much later than its path */
  readonly lineMs: number | null
}

/** One device in front of a person, whose carrier is dead from 0 on and whose path is usable again from `broken.ms` on. */
class Device {
  readonly #chance: Chance
  readonly #broken: Break
  readonly #pulse = new Pulse()
  readonly #rttMs: number
  readonly #tasks: { readonly atMs: number; readonly run: () => void }[] = []
  readonly #timers = new Map<RedialTimer, object>()
  #redial = restingRedial(SHORTER)
  #live: Heartbeat | null = null
  #misled = false
  #nowMs: number
  backMs: number | null = null

  constructor(seed: number, of: (chance: Chance) => Break) {
    this.#chance = new Chance(seed)
    this.#broken = of(this.#chance)
    this.#rttMs = this.#chance.between(5, 150)
    // It has talked for a while, and looks and asks at any moment of their pace.
    this.#nowMs = -this.#chance.between(20_000, 24_000)
    this.#feed({ type: 'want' })
    this.#up(1, 'direct')
    this.#look()
    const { ms, toldLateMs } = this.#broken
    if (toldLateMs !== null) this.#at(ms, () => this.#feed({ type: 'network' }))
  }

  /** @returns ms from the usable path to the conversation on it */
  run(): number {
    while (this.backMs === null) {
      const next = this.#tasks.reduce((a, b) => (b.atMs < a.atMs ? b : a))
      this.#tasks.splice(this.#tasks.indexOf(next), 1)
      this.#nowMs = next.atMs
      next.run()
    }
    return this.backMs - this.#broken.ms
  }

  #at(atMs: number, run: () => void): void {
    this.#tasks.push({ atMs: Math.max(atMs, this.#nowMs), run })
  }

  #look(): void {
    this.#at(this.#nowMs + lookMs(true), () => this.#look())
    const live = this.#live
    if (live === null) {
      this.#pulse.rest()
      return
    }
    const due = this.#pulse.look({ nowMs: this.#nowMs, brisk: true }, live)
    if (due === 'nothing') return
    if (due === 'silent') {
      this.#live = null
      this.#feed({ type: 'ended', heldMs: this.#nowMs - live.sinceMs, replaced: false })
      return
    }
    live.askedMs ??= this.#nowMs
    const answerMs = this.#nowMs + this.#rttMs
    if (answerMs < 0) this.#at(answerMs, () => this.#pulse.heard(answerMs, live, false))
    if (due === 'suspect') this.#feed({ type: 'suspect', heldMs: this.#nowMs - live.sinceMs })
  }

  #feed(input: RedialInput): void {
    const [next, effects] = stepRedial(this.#redial, input)
    this.#redial = next
    for (const effect of effects) {
      if (effect.type === 'dial' && effect.dial > 1) this.#dial(effect)
      if (effect.type === 'timer') this.#set(effect.timer, effect.ms)
    }
  }

  #set(timer: RedialTimer, ms: number | null): void {
    const token = {}
    this.#timers.set(timer, token)
    if (ms === null) return
    this.#at(this.#nowMs + ms, () => {
      if (this.#timers.get(timer) === token) this.#feed({ type: 'fired', timer })
    })
  }

  #dial({ dial, urgent, hedge }: DialEffect): void {
    const foundMs = this.#nowMs + this.#storesMs(this.#misled && !hedge)
    this.#misled = true
    const headMs = urgent ? HEAD_MS.urgent : HEAD_MS.else
    const ways = [this.#directMs(foundMs), this.#relayMs(foundMs + 2 * headMs)]
    const firstMs = Math.min(...ways)
    if (firstMs === Number.POSITIVE_INFINITY) {
      const givenUpMs = foundMs + 2 * headMs + DEADLINE_MS
      this.#at(givenUpMs, () => this.#feed({ type: 'failed', dial }))
      return
    }
    this.#at(firstMs + this.#rttMs, () => {
      if (!counts(this.#redial, dial)) return
      this.#up(dial, firstMs === ways[0] ? 'direct' : 'relay')
      if (this.#nowMs > 0) this.backMs = this.#nowMs
    })
  }

  #up(dial: number, route: 'direct' | 'relay'): void {
    const sinceMs = this.#nowMs
    this.#live = { sinceMs, heardMs: sinceMs, askedMs: null }
    this.#misled = false
    this.#feed({ type: 'up', dial, route })
  }

  /** How long the record takes. */
  #storesMs(patient: boolean): number {
    const { ms, toldLateMs, lineMs } = this.#broken
    const answerMs = 2 * this.#rttMs
    if (lineMs !== null || this.#nowMs >= ms) return answerMs
    // A system that knows it has no network refuses at once.
    if (toldLateMs !== null) return 10
    const left = ms - this.#nowMs
    const synMs = SYN_MS.find((at) => at >= left) ?? Number.POSITIVE_INFINITY
    return Math.min(synMs + answerMs, patient ? STORE_MS.patient : STORE_MS.quick)
  }

  /** A check is sent again and again: what began too early is through as soon as there is a path to the right place. */
  #directMs(beganMs: number): number {
    const { ms, toldLateMs, moves } = this.#broken
    const readyMs = ms + (toldLateMs ?? 0)
    if (moves && beganMs < ms) return Number.POSITIVE_INFINITY
    if (beganMs + DEADLINE_MS < readyMs) return Number.POSITIVE_INFINITY
    const pauseMs = beganMs < readyMs ? this.#chance.between(50, 500) : 0
    return Math.max(beganMs, readyMs) + pauseMs + 7 * this.#rttMs
  }

  #relayMs(beganMs: number): number {
    const { ms, lineMs } = this.#broken
    const shakenMs = 4 * this.#rttMs
    // The endpoint knows, or thinks, that the host is not there, and says so at once or never.
    if (lineMs !== null)
      return beganMs < ms + lineMs ? Number.POSITIVE_INFINITY : beganMs + shakenMs
    const atMs = SYN_MS.map((syn) => beganMs + syn).find((at) => at >= ms)
    return atMs === undefined ? Number.POSITIVE_INFINITY : atMs + shakenMs
  }
}

const KINDS: Record<string, (chance: Chance) => Break> = {
  'another network, of which nobody tells': () => ({
    ...{ ms: 0, toldLateMs: null, moves: false, lineMs: null },
  }),
  'no link for 1 to 90 s': (chance) => ({
    ...{ ms: chance.between(1000, 90_000), toldLateMs: 2000, moves: false, lineMs: null },
  }),
  'a network that leads nowhere for 1 to 90 s': (chance) => ({
    ...{ ms: chance.between(1000, 90_000), toldLateMs: null, moves: false, lineMs: null },
  }),
  'the host has another address': (chance) => ({
    ms: chance.between(200, 1500),
    ...{ toldLateMs: null, moves: true, lineMs: chance.between(0, 1500) },
  }),
  'the host has no link for 1 to 90 s': (chance) => ({
    ms: chance.between(1000, 90_000),
    ...{ toldLateMs: null, moves: chance.chance(0.5), lineMs: chance.between(0, 1500) },
  }),
}

const SEEDS = 400

describe('the conversation is back', () => {
  test.each(Object.entries(KINDS))('typically within 3 s: %s', (_, of) => {
    const times = Array.from({ length: SEEDS }, (_, seed) => new Device(seed, of).run())
    times.sort((a, b) => a - b)
    const quantile = (share: number): number => times[Math.floor(share * SEEDS)] ?? 0
    expect(quantile(0.5)).toBeLessThan(TYPICAL_MS)
    expect(quantile(0.95)).toBeLessThan(RARELY_MS)
  })
})
