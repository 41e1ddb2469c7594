// The pure machines of the host and the outbox under any sequence of inputs: rotation (SPEC §3.1), publishing (§3.3),
// resume (§6.2).
import { createPublishing, type PublishingInput, stepPublishing } from '../../host/publishing.ts'
import { toHex } from '../../shared/bytes.ts'
import { settleOutbox } from '../../shared/outbox.ts'
import { Choices } from './dice.ts'
import { must, type Target } from './target.ts'

const STORES = ['one', 'two', 'three']
const LONGEST_WAIT_MS = 360_000

class Publishing {
  state = createPublishing(STORES)
  nowMs = 0
  newest: number | null = null
  readonly busy = new Map<string, number>()

  send(input: PublishingInput): void {
    const before = JSON.stringify(this.state)
    const { state, effects, wakeAtMs } = stepPublishing(this.state, input)
    must(JSON.stringify(this.state) === before, 'a step changes nothing that it was given')
    this.state = state
    for (const { store, seq } of effects) {
      must(STORES.includes(store) && !this.busy.has(store), 'one put per store on its way')
      must(seq === this.newest, 'puts the newest')
      this.busy.set(store, seq)
    }
    const waits = state.stores.some(
      ({ seq, busySeq }) => busySeq === null && (seq ?? -1) < (this.newest ?? -1),
    )
    must((wakeAtMs !== null) === waits, 'wakes while something waits, and only then')
    const wait = wakeAtMs === null ? 1 : wakeAtMs - this.nowMs
    must(wait > 0 && wait <= LONGEST_WAIT_MS, 'wakes in time')
  }

  step(from: Choices): void {
    const input = this.next(from)
    if (input !== null) this.send(input)
  }

  /** null: only time passes */
  next(from: Choices): PublishingInput | null {
    const { nowMs } = this
    const store = from.pick([...STORES, 'unknown'])
    const seq = from.rarely(4) ? from.below(8) : (this.busy.get(store) ?? 0)
    const kind = from.below(6)
    if (kind === 1 || kind === 2) {
      // An answer to another put than the one on its way is late.
      if (this.busy.get(store) === seq) this.busy.delete(store)
      const jitter = from.u8() / 255
      return kind === 1
        ? { type: 'stored', store, seq, nowMs }
        : { type: 'failed', store, seq, code: 'store-refused', nowMs, jitter }
    }
    if (kind === 0) {
      const wanted = (this.newest ?? 0) + 2 - from.below(4)
      this.newest = Math.max(this.newest ?? 0, wanted)
      return { type: 'wanted', seq: wanted, nowMs }
    }
    if (kind === 5) return { type: 'wake', nowMs }
    const forth = from.pick([1, 999, 1000, 60_000, 360_000, 86_400_000])
    this.nowMs = kind === 3 ? Math.max(0, nowMs - 1000 * from.below(65_536)) : nowMs + forth
    return null
  }
}

const publishing: Target = {
  name: 'publishing',
  maxBytes: 600,
  run(input) {
    const from = new Choices(input)
    const machine = new Publishing()
    while (from.more) machine.step(from)
    const { newest } = machine
    if (newest === null) return
    // Every store works again: within one retry all of them have the newest.
    machine.send({ type: 'wanted', seq: newest, nowMs: machine.nowMs })
    for (let round = 0; round < 3; round++) {
      for (const [store, seq] of [...machine.busy]) {
        machine.busy.delete(store)
        machine.send({ type: 'stored', store, seq, nowMs: machine.nowMs })
      }
      machine.nowMs += LONGEST_WAIT_MS
      machine.send({ type: 'wake', nowMs: machine.nowMs })
    }
    must(
      machine.state.stores.every(({ seq }) => seq === newest),
      'every store gets the newest',
    )
  },
}

const idOf = (n: number): Uint8Array => new Uint8Array(16).fill(n)

const outbox: Target = {
  name: 'outbox',
  maxBytes: 64,
  run(input) {
    const from = new Choices(input)
    const first = 1 + from.below(20)
    const waiting = Array.from({ length: from.below(12) }, (_, i) => ({
      number: first + i,
      id: idOf(i + 1),
    }))
    const assigned = first - 1 + waiting.length
    const stored = from.below(40)
    const id = idOf(from.below(14))
    const { kept, acknowledged } = settleOutbox(waiting, assigned, stored, id)
    const names = (list: readonly { readonly id: Uint8Array }[]) =>
      list.map((entry) => toHex(entry.id)).join()
    must(names([...acknowledged, ...kept]) === names(waiting), 'loses, doubles, reorders nothing')
    must(
      kept.every((entry, i) => entry.number === stored + 1 + i),
      'numbers on without a gap',
    )
    const held = waiting.find(({ number }) => number === stored)
    const forked = stored > assigned || (held !== undefined && toHex(held.id) !== toHex(id))
    must(!forked || acknowledged.length === 0, 'a forked history acknowledges nothing')
    must(
      acknowledged.every(({ number }) => number <= stored),
      'acknowledges what is stored',
    )
  },
}

export const MACHINE_TARGETS: readonly Target[] = [publishing, outbox]
