// Drives the publishing machine (host/publishing.ts): seals the record and hands it to every store (SPEC §3).
import { equal } from '../shared/bytes.ts'
import type { RandomBytes } from '../shared/crypto.ts'
import { ClawError } from '../shared/error.ts'
import { ed25519PublicKey } from '../shared/noble.ts'
import { openRecord, sealRecord } from '../shared/record.ts'
import type { HostEvent } from './config.ts'
import type { Settings } from './database.ts'
import {
  confirmedBy,
  createPublishing,
  type PublishingInput,
  stepPublishing,
  storeStates,
} from './publishing.ts'
import type { Store } from './stores.ts'
import { Wake } from './wake.ts'

/** How long an invite or an enrolment waits for a first store (SPEC: then it goes on with a warning). */
const CONFIRM_MS = 5000
/** How long a start waits for what the stores hold. */
const LEARN_MS = 5000
const SEQ = 'seq'
/** Room for numbers that a copy of this folder may have used. */
const SEQ_LEAP = 1024

type Body = Parameters<typeof sealRecord>[0]['body']

export interface PublisherInput {
  readonly stores: readonly Store[]
  readonly settings: Settings
  readonly random: RandomBytes
  readonly now: () => number
  readonly clockOffsetMs: number
  readonly identitySecret: Uint8Array
  readonly roots: () => readonly Uint8Array[]
  /** all of the record but what is the publisher's own */
  readonly body: () => Omit<Body, 'seq' | 'issuedMs'>
  readonly report: (event: HostEvent) => void
  /** a new record exists, before any store has it */
  readonly onSealed: () => void
  /** a store holds what this host never published: another copy of it is running (SPEC §3.3) */
  readonly onSuperseded: () => void
  /** every store holds the newest record */
  readonly onEverywhere: () => void
}

export class Publisher {
  readonly #input: PublisherInput
  readonly #wake: Wake
  #state
  #seq: number
  #record: Uint8Array = new Uint8Array(0)
  #stopped = false
  readonly #waiting = new Set<() => void>()
  /** stores that have been read in this run */
  readonly #read = new Set<string>()

  constructor(input: PublisherInput) {
    this.#input = input
    // Never below a number that may have been used, also by a run that a backup does not know (SPEC §3.3).
    const stored = Number(input.settings.get(SEQ) ?? 0)
    this.#seq = Math.max(stored + SEQ_LEAP, input.now())
    this.#state = createPublishing(input.stores.map(({ name }) => name))
    const wake = (): void => this.#step({ type: 'wake', nowMs: input.now() })
    this.#wake = new Wake(wake, input.clockOffsetMs)
  }

  get seq(): number {
    return this.#seq
  }

  /** the newest, 6144 bytes */
  get record(): Uint8Array {
    return this.#record
  }

  get status() {
    return storeStates(this.#state)
  }

  /** Before the first publish: the number goes above whatever the stores hold. At most 5 s; later answers count too. */
  async learn(): Promise<void> {
    const all = Promise.all(this.#input.stores.map((store) => this.#readBack(store)))
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LEARN_MS)
    })
    await Promise.race([all, late])
    clearTimeout(timer)
  }

  /** The first reading of a store only raises the number; a later one tells whether somebody else publishes. */
  async #readBack(store: Store): Promise<void> {
    const bytes = await store.get().catch(() => undefined)
    if (bytes === undefined || this.#stopped) return
    const first = !this.#read.has(store.name)
    this.#read.add(store.name)
    const seq = bytes === null ? null : this.#seqOf(bytes)
    if (bytes === null || seq === null) return
    if (!first) {
      const other = seq > this.#seq || (seq === this.#seq && !equal(bytes, this.#record))
      if (!other) return
      this.stop()
      this.#input.onSuperseded()
    } else if (seq > this.#seq) {
      this.#seq = seq
      // Readers refuse what was published in the meantime: it lies below.
      if (this.#record.length > 0) void this.publish()
    }
  }

  /** Of a record that this host's identity signed; null for anything else. */
  #seqOf(bytes: Uint8Array): number | null {
    const hostPublicKey = ed25519PublicKey(this.#input.identitySecret)
    for (const root of this.#input.roots()) {
      try {
        return openRecord({ bytes, root, hostPublicKey, minSeq: 0 }).seq
      } catch {
        // No slot for this credential, or not ours at all.
      }
    }
    return null
  }

  /** Names of stores that do not hold the newest record. */
  get behind(): string[] {
    return this.status.filter(({ seq }) => seq !== this.#seq).map(({ store }) => store)
  }

  /** Seals and sends a new record; resolves once `enough` stores that links lead to have it, or after 5 s. */
  async publish(enough: 'one' | 'all' = 'one'): Promise<void> {
    if (this.#stopped) return
    const seq = this.#seal()
    this.#step({ type: 'wanted', seq, nowMs: this.#input.now() })
    const confirmed = this.#confirms(enough)
    if (confirmed(seq)) return
    await new Promise<void>((resolve) => {
      const check = (): void => {
        if (!confirmed(seq) && !this.#stopped) return
        clearTimeout(timer)
        this.#waiting.delete(check)
        resolve()
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(check)
        resolve()
      }, CONFIRM_MS)
      this.#waiting.add(check)
    })
  }

  #confirms(enough: 'one' | 'all'): (seq: number) => boolean {
    const { stores } = this.#input
    const linked = new Set(stores.filter((store) => store.linked).map(({ name }) => name))
    return (seq) => {
      const holders = confirmedBy(this.#state, seq)
      return enough === 'all'
        ? holders.length === stores.length
        : holders.some((name) => linked.has(name))
    }
  }

  /** What failed before may work now: no store waits for its next try. */
  networkChanged(): void {
    this.#step({ type: 'network', nowMs: this.#input.now() })
  }

  /** The burn record, 6144 bytes (SPEC §3.5): nothing is published any more after it. `reason`: u8 */
  sealLast(reason: number): Uint8Array {
    const { body, roots, identitySecret, random, now } = this.#input
    const last = { ...body(), burn: true, reason, seq: this.#seq + 1, issuedMs: now() }
    this.stop()
    return sealRecord({ body: last, roots: roots(), identitySecret, random })
  }

  stop(): void {
    this.#stopped = true
    this.#wake.stop()
    for (const check of this.#waiting) check()
  }

  #step(input: PublishingInput): void {
    if (this.#stopped) return
    const { state, effects, wakeAtMs } = stepPublishing(this.#state, input)
    this.#state = state
    for (const { store, seq } of effects) void this.#put(store, seq)
    this.#wake.at(wakeAtMs)
    for (const check of this.#waiting) check()
  }

  /** @returns the seq of the new record */
  #seal(): number {
    const { body, roots, identitySecret, random, now, settings } = this.#input
    this.#seq += 1
    const record = sealRecord({
      body: { ...body(), seq: this.#seq, issuedMs: now() },
      roots: roots(),
      identitySecret,
      random,
    })
    // Before any store may hold it: a number is never used for two records.
    settings.set(SEQ, String(this.#seq))
    this.#record = record
    this.#input.onSealed()
    return this.#seq
  }

  /** What only the owner can mend is said once, not at every try. */
  #isKnown(name: string, code: string): boolean {
    const state = this.status.find(({ store }) => store === name)
    return code.startsWith('mega-') && state?.code === code
  }

  async #put(name: string, seq: number): Promise<void> {
    const { stores, report, now, random } = this.#input
    try {
      const store = stores.find((candidate) => candidate.name === name)
      // Before, since a file shows nothing of what it held once it is written over.
      if (store !== undefined) await this.#readBack(store)
      if (this.#stopped) return
      await store?.put(seq, this.#record)
      report({ event: 'published', store: name, seq })
      this.#step({ type: 'stored', store: name, seq, nowMs: now() })
      if (this.behind.length === 0) this.#input.onEverywhere()
    } catch (error) {
      const code = error instanceof ClawError ? error.code : 'store-unreachable'
      if (!this.#isKnown(name, code)) report({ event: 'store-failed', store: name, code })
      const jitter = (random(1)[0] ?? 0) / 255
      this.#step({ type: 'failed', store: name, seq, code, nowMs: now(), jitter })
    }
  }
}
