// A device's storage under virtual time: each call is one atomic write at one moment, and a crash falls between two.
import { toHex } from '../../shared/bytes.ts'
import { ClawError } from '../../shared/error.ts'
import { isOver } from '../../shared/lifetime.ts'
import { settleOutbox } from '../../shared/outbox.ts'
import { goneOf } from '../../web/gone.ts'
import {
  COUNTED_MOST,
  isNews,
  type Keep,
  type OutboxEntry,
  type Profile,
  roomIds,
  type StoredMessage,
} from '../../web/keep.ts'
import { LOOK_THROUGH, withLost, withoutGone } from '../../web/resume.ts'
import type { Chance, World } from './world.ts'

const POST = 1

/** What outlives a crash. */
export class Disk {
  profile: Profile | null = null
  messages = new Map<string, StoredMessage>()
  outbox: OutboxEntry[] = []
  /** every message that was ever shown as sent; no part of the disk, so no restore forgets it */
  readonly promised = new Set<string>()

  /** A backup: what it holds now, to be put back later. */
  backup(): () => void {
    const { profile, outbox } = this
    const messages = new Map(this.messages)
    return () => {
      this.profile = profile
      this.outbox = [...outbox]
      this.messages = new Map(messages)
    }
  }
}

/** One run of a device on its disk. After `crash` nothing is written, and no call ever returns. */
export class SimKeep implements Keep {
  readonly #disk: Disk
  readonly #world: World
  readonly #chance: Chance
  readonly #dies: () => boolean
  #alive = true
  #tail: Promise<unknown> = Promise.resolve()

  /** `dies` ends the device, or not: asked right before and right after each write. */
  constructor(disk: Disk, world: World, chance: Chance, dies: () => boolean) {
    this.#dies = dies
    this.#disk = disk
    this.#world = world
    this.#chance = chance
  }

  crash(): void {
    this.#alive = false
  }

  /** One after another, as transactions over the same stores are; each takes up to 4 ms. */
  #write<T>(run: () => T): Promise<T> {
    const done = this.#tail.then(
      () =>
        new Promise<T>((resolve, reject) => {
          this.#world.after(this.#chance.between(0, 2), () => {
            if (!this.#alive || this.#dies()) return
            let result: T
            try {
              result = run()
            } catch (error) {
              reject(error)
              return
            }
            if (this.#dies()) return
            this.#world.after(this.#chance.between(0, 2), () => {
              if (this.#alive) resolve(result)
            })
          })
        }),
    )
    this.#tail = done.catch(() => undefined)
    return done
  }

  #must(): Profile {
    if (this.#disk.profile === null) throw new ClawError('storage')
    return this.#disk.profile
  }

  profile(): Promise<Profile | null> {
    return this.#write(() => this.#disk.profile)
  }

  enrol(profile: Profile): Promise<void> {
    return this.#write(() => {
      this.#disk.profile = profile
    })
  }

  update(change: Partial<Profile>): Promise<Profile> {
    return this.#write(() => {
      const next = { ...this.#must(), ...change }
      this.#disk.profile = next
      return next
    })
  }

  messages(room: string, limit: number): Promise<StoredMessage[]> {
    return this.#write(() => this.#newest(room, limit))
  }

  below(room: string, seq: number, limit: number): Promise<StoredMessage[]> {
    return this.#write(() =>
      this.#newest(room, 1e9)
        .filter((message) => message.seq !== null && message.seq < seq)
        .slice(-limit),
    )
  }

  #newest(room: string, limit: number): StoredMessage[] {
    const all = [...this.#disk.messages.values()].filter((message) => message.room === room)
    const placed = all.filter(({ seq }) => seq !== null)
    placed.sort((a, b) => (a.seq ?? 0) - (b.seq ?? 0))
    return [...placed.slice(-limit), ...all.filter(({ seq }) => seq === null)]
  }

  others(room: string, seq: number): Promise<StoredMessage[]> {
    return this.#write(() =>
      this.#newest(room, 1e9)
        .filter((message) => isNews(message) && (message.seq ?? 0) > seq)
        .slice(0, COUNTED_MOST),
    )
  }

  dropRoom(room: string): Promise<void> {
    return this.#write(() => {
      for (const { id } of this.#newest(room, 1e9)) this.#disk.messages.delete(id)
    })
  }

  forget(id: string): Promise<void> {
    return this.#write(() => void this.#disk.messages.delete(id))
  }

  enqueue(event: Omit<OutboxEntry, 'number'>): Promise<void> {
    return this.#write(() => this.#append(event))
  }

  alter(
    event: Omit<OutboxEntry, 'number'>,
    id: string,
    change: (message: StoredMessage) => StoredMessage | null,
  ): Promise<StoredMessage | null> {
    return this.#write(() => {
      const known = this.#disk.messages.get(id)
      const changed = known === undefined ? null : change(known)
      if (changed === null) return null
      this.#disk.messages.set(id, changed)
      this.#append(event)
      return changed
    })
  }

  #append(event: Omit<OutboxEntry, 'number'>): void {
    const profile = this.#must()
    const number = profile.assigned + 1
    this.#disk.profile = { ...profile, assigned: number }
    this.#disk.outbox = [...this.#disk.outbox, { ...event, number }]
  }

  message(id: string): Promise<StoredMessage | null> {
    return this.#write(() => this.#disk.messages.get(id) ?? null)
  }

  putMessages(messages: readonly StoredMessage[]): Promise<void> {
    return this.#write(() => {
      for (const message of messages) this.#put(message)
    })
  }

  post(message: StoredMessage, event: Omit<OutboxEntry, 'number'>): Promise<OutboxEntry> {
    return this.#write(() => {
      const profile = this.#must()
      const entry = { ...event, number: profile.assigned + 1 }
      this.#disk.profile = { ...profile, assigned: entry.number }
      this.#disk.messages.delete(message.id)
      this.#disk.messages.set(message.id, message)
      this.#disk.outbox = [...this.#disk.outbox, entry]
      return entry
    })
  }

  pending(after: number, limit: number): Promise<OutboxEntry[]> {
    return this.#write(() =>
      this.#disk.outbox.filter(({ number }) => number > after).slice(0, limit),
    )
  }

  acknowledged(number: number): Promise<StoredMessage[]> {
    return this.#write(() => {
      const gone = this.#disk.outbox.filter((entry) => entry.number <= number)
      this.#disk.outbox = this.#disk.outbox.filter((entry) => entry.number > number)
      return this.#sent(gone)
    })
  }

  settle(stored: number, id: Uint8Array, nowMs: number): Promise<StoredMessage[]> {
    return this.#write(() => {
      const profile = this.#must()
      const settled = settleOutbox(this.#disk.outbox, profile.assigned, stored, id)
      const rooms = settled.forgotten ? roomIds(profile) : []
      const lost = rooms.flatMap((room) => this.#newest(room, LOOK_THROUGH))
      const kept = withLost(settled.kept, lost, profile, stored, nowMs)
      this.#disk.outbox = [...kept]
      if (settled.forgotten) this.#unplace(kept)
      const behind = settled.forked ? roomIds(profile) : profile.behind
      this.#disk.profile = { ...profile, assigned: stored + kept.length, behind }
      return this.#sent(settled.acknowledged)
    })
  }

  end(nowMs: number, keepMs: number): Promise<StoredMessage[]> {
    return this.#write(() => {
      const { messages } = this.#disk
      const over = [...messages.values()].filter(
        (message) => !message.gone && isOver(message, message.seq === null ? 0 : keepMs, nowMs),
      )
      // Its host's clock is right in such an afternoon; its own is not.
      const early = over.find(({ endsAtMs }) => endsAtMs > this.#world.nowMs)
      if (early !== undefined) this.#world.fail(new Error('a device deleted before its time'))
      for (const message of over) this.#put(goneOf(message))
      const silent = withoutGone(this.#disk.outbox, new Set(over.map(({ id }) => id)))
      this.#disk.outbox = this.#disk.outbox.map(
        (entry) => silent.find(({ number }) => number === entry.number) ?? entry,
      )
      return over
    })
  }

  #put(message: StoredMessage): void {
    if (message.gone && message.seq === null) this.#disk.messages.delete(message.id)
    else this.#disk.messages.set(message.id, message)
  }

  #unplace(entries: readonly OutboxEntry[]): void {
    const { messages } = this.#disk
    for (const { id } of entries) {
      const message = messages.get(toHex(id))
      messages.delete(toHex(id))
      if (message !== undefined) messages.set(message.id, { ...message, seq: null })
    }
  }

  #sent(entries: readonly OutboxEntry[]): StoredMessage[] {
    return entries.flatMap(({ id, kind }) => {
      // The other events are about messages, and none themselves.
      if (kind === POST) this.#disk.promised.add(toHex(id))
      const message = this.#disk.messages.get(toHex(id))
      if (message?.state !== 'sending') return []
      const sent = { ...message, state: 'sent' as const }
      this.#disk.messages.set(message.id, sent)
      return [sent]
    })
  }

  receive(
    number: number,
    id: Uint8Array,
    messages: readonly StoredMessage[],
    change: Partial<Profile> = {},
  ): Promise<void> {
    return this.#write(() => {
      const profile = this.#must()
      if (number <= profile.stored) return
      this.#disk.profile = { ...profile, ...change, stored: number, storedId: id }
      for (const message of messages) this.#put(message)
    })
  }
}
