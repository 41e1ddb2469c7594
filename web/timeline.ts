// Rooms and their messages as the page shows them (SPEC §7): what events, pages and STATE change, what a person writes,
// reads and changes. One room is shown at a time; of the others only counts. Knows no carrier.
import { fromHex, toHex } from '../shared/bytes.ts'
import { type ChatEvent, encodeEvent } from '../shared/events.ts'
import type { ClawMessage } from '../shared/messages.ts'
import { Ending } from './ending.ts'
import { goneOf } from './gone.ts'
import { isNews, type Keep, type Profile, type StoredMessage } from './keep.ts'
import { mentionsIn } from './markdown.ts'
import type { AppState, Counted, Message, Room } from './model.ts'
import { type Find, fromWire, type Outcome, outcomeOf, withReaction } from './outcome.ts'
import type { Own } from './own.ts'
import { postOf } from './resume.ts'
import { HOST_ROOM, roomsOf, rosterOf } from './roster.ts'
import { Shown } from './shown.ts'
import type { StateBox } from './state.ts'

const NOTHING_NEW = { unread: 0, mentions: 0 }
/** how long one TYPING counts */
const TYPING_MS = 6000

type Of<T extends ClawMessage['type']> = Extract<ClawMessage, { type: T }>

export interface TimelinePorts {
  readonly keep: Keep
  readonly own: Own
  readonly box: StateBox
  /** unix ms */
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
  /** on the carrier in use. @returns false without one */
  readonly say: (message: ClawMessage) => boolean
  /** something waits in the outbox */
  readonly flush: () => Promise<void>
  /** ms that never go back */
  readonly clock: () => number
  /** messages went because their time was over; as they were */
  readonly onGone?: (messages: readonly StoredMessage[]) => void
}

/** What was written before the host first said who we are has no author yet. What stays the same is the same. */
function authored(messages: AppState['messages'], me: string): AppState['messages'] {
  const isRight = ({ author, mine }: Message): boolean => author !== '' && mine === (author === me)
  if (messages.every(isRight)) return messages
  return messages.map((message) => {
    if (isRight(message)) return message
    const author = message.author || me
    return { ...message, author, mine: author === me }
  })
}

export class Timeline {
  readonly #ports: TimelinePorts
  readonly ending: Ending
  /** the messages of the shown room */
  readonly #shown: Shown
  readonly #uncounted = new Set<string>()
  /** counts and marks run one after the other */
  #tail: Promise<unknown> = Promise.resolve()

  constructor(ports: TimelinePorts) {
    this.#ports = ports
    // Nothing that is over is shown for a moment, however much there is to delete.
    const { keep } = ports
    const asOf = (messages: StoredMessage[]): StoredMessage[] => messages.map(this.#asOf)
    this.#shown = new Shown({
      ...ports,
      keep: {
        messages: async (room, limit) => asOf(await keep.messages(room, limit)),
        below: async (room, seq, limit) => asOf(await keep.below(room, seq, limit)),
      },
    })
    this.ending = new Ending({ ...ports, onEnded: (messages) => this.#ended(messages) })
  }

  #ended(messages: readonly StoredMessage[]): void {
    const { box, onGone } = this.#ports
    box.set({ endings: box.value.endings + 1 })
    const shown = new Set(box.value.messages.map(({ id }) => id))
    this.show(messages.filter(({ id }) => shown.has(id)).map(goneOf))
    this.#countSoon(new Set(messages.map(({ room }) => room)))
    onGone?.(messages)
  }

  get #room(): string {
    return this.#ports.box.value.room
  }

  /** Shows what is kept here; of nobody's chat, the empty one of a host that was just joined. */
  async load(): Promise<void> {
    const { own, box } = this.#ports
    const profile = own.profile
    if (profile === null) return
    const { hostName, keepMs } = profile
    const rooms = profile.rooms.length > 0 ? profile.rooms : [firstRoom(hostName)]
    box.set({
      hostName,
      keepMs,
      me: profile.member,
      members: profile.members ?? [],
      receipts: profile.receipts,
      rooms: rooms.map((room) => ({ ...room, ...NOTHING_NEW })),
    })
    const known = rooms.some(({ id }) => id === this.#room)
    await this.#showRoom(known ? this.#room : (rooms[0]?.id ?? HOST_ROOM))
    void this.ending.look().catch(() => undefined)
    await this.#count(rooms.map(({ id }) => id))
  }

  openRoom(room: string): Promise<void> {
    return this.#showRoom(room)
  }

  async #showRoom(room: string): Promise<void> {
    const { own, box } = this.#ports
    const profile = own.profile
    const roomName = box.value.rooms.find(({ id }) => id === room)?.name ?? box.value.roomName
    const newAfter = profile?.read[room] ?? 0
    // At once, so that nothing of the room before stands under this one's name.
    box.set({ room, roomName, messages: [], typing: [], newAfter, hasOlder: false })
    box.set({ readUpTo: furthest(profile, room) })
    await this.#shown.newest()
  }

  /** What another tab has stored. */
  async refresh(): Promise<void> {
    await this.#shown.refresh()
  }

  /** Shows this place of a room. */
  async jump(room: string, seq: number): Promise<void> {
    if (room !== this.#room) await this.#showRoom(room)
    if (room === this.#room) await this.#shown.jump(seq)
  }

  toNewest(): Promise<void> {
    return this.#shown.newest()
  }

  /** A carrier has taken over. */
  resumed(sent: readonly StoredMessage[]): void {
    this.#shown.rest()
    this.show(sent)
    const [behind] = this.#ports.own.must().behind
    if (behind === undefined) this.#shown.fillHole()
    else this.#shown.ask(behind, 0)
  }

  /** There is no carrier any more. */
  rest(): void {
    this.#shown.rest()
  }

  /** Messages as they stand now, of any room. */
  show(messages: readonly StoredMessage[]): void {
    this.#shown.show(messages)
    const rooms = new Set(messages.filter(({ mine }) => !mine).map(({ room }) => room))
    if (rooms.size > 0) this.#countSoon(rooms)
  }

  /** What an event of the host changes; null for one that no host sends. */
  outcome(event: ChatEvent, profile: Profile, find: Find): Outcome | null {
    const outcome = outcomeOf(event, profile, find)
    return outcome && { ...outcome, messages: outcome.messages.map(this.#asOf) }
  }

  readonly #asOf = (message: StoredMessage): StoredMessage => this.ending.asOf(message)

  /** An outcome that is kept now. */
  async took({ messages, profile }: Outcome): Promise<void> {
    this.show(messages)
    if (profile?.readBy !== undefined)
      this.#ports.box.set({ readUpTo: furthest(this.#ports.own.profile, this.#room) })
    const read = profile?.read
    if (read !== undefined) this.#countSoon(Object.keys(read))
  }

  async takePage(page: Of<'page'>): Promise<void> {
    const { keep, own } = this.#ports
    const room = toHex(page.room)
    const me = own.profile?.member ?? null
    const messages = page.messages.map((message) => this.#asOf(fromWire(message, me)))
    await keep.putMessages(messages)
    const { behind } = own.must()
    if (page.before === 0 && behind.includes(room))
      await own.update({ behind: behind.filter((each) => each !== room) })
    await this.#shown.takePage(page, messages)
    this.show(messages)
    const [next] = own.must().behind
    if (next === undefined) this.#shown.fillHole()
    else this.#shown.ask(next, 0)
  }

  async takeState(state: Of<'state'>): Promise<void> {
    const { keep, own, box } = this.#ports
    const me = toHex(state.member)
    const { hostName, keepMs } = state
    const known = own.must()
    const rooms = roomsOf(state)
    const roster = rosterOf(state, known.hostPublicKey)
    const members = roster.members.map((each) => ({ ...each, online: false, lastSeenMs: 0 }))
    if (
      JSON.stringify([known.member, known.hostName, known.rooms, known.members, known.keepMs]) !==
      JSON.stringify([me, hostName, rooms, members, keepMs])
    )
      await own.update({ member: me, hostName, rooms, members, keepMs })
    const gone = known.rooms.filter(({ id }) => !rooms.some((room) => room.id === id))
    for (const { id } of gone) await keep.dropRoom(id)
    const before = new Map(
      box.value.rooms.map(({ id, unread, mentions }) => [id, { unread, mentions }]),
    )
    box.set({
      ...{ me, hostName, keepMs, ...roster },
      rooms: rooms.map((room) => ({ ...room, ...(before.get(room.id) ?? NOTHING_NEW) })),
      roomName: rooms.find(({ id }) => id === this.#room)?.name ?? hostName,
      messages: authored(box.value.messages, me),
    })
    if (!rooms.some(({ id }) => id === this.#room)) await this.#showRoom(rooms[0]?.id ?? HOST_ROOM)
    if (keepMs !== known.keepMs) await this.ending.look()
  }

  takeTyping({ room, member }: Of<'typing'>): void {
    const { box, now } = this.#ports
    if (toHex(room) !== this.#room) return
    const who = toHex(member)
    const others = box.value.typing.filter((each) => each.member !== who)
    box.set({ typing: [...others, { member: who, untilMs: now() + TYPING_MS }] })
  }

  // What is asked of the host

  loadOlder(): Promise<void> {
    return this.#shown.loadOlder()
  }

  loadNewer(): Promise<void> {
    return this.#shown.loadNewer()
  }

  /** The person writes. */
  typing(): void {
    this.#ports.say({ type: 'typing', room: fromHex(this.#room), member: new Uint8Array(16) })
  }

  // What a person writes and changes

  /** Keeps a message in the outbox; who leads sends it. `id`: 32 hex digits, the same again for a retry. */
  async post(id: string, text: string, replyTo: string | null, room = this.#room): Promise<void> {
    const { keep, own, now } = this.#ports
    const message: StoredMessage = {
      ...{ id, room, text, replyTo, mine: true },
      author: own.profile?.member ?? '',
      ...{ atMs: now(), seq: null, state: 'sending' },
      ...{ edited: false, deleted: false, change: 0, reactions: [] },
      ...{ gone: false, endsAtMs: 0, notice: null },
    }
    await keep.post(message, postOf(message))
    // Who writes wants to see it.
    if (this.#ports.box.value.hasNewer) await this.#shown.newest()
    else this.show([message])
  }

  /** Shown and kept here, in no outbox yet: its file is still on its way. */
  async hold(message: StoredMessage): Promise<void> {
    await this.#ports.keep.putMessages([message])
    this.show([message])
  }

  /** The host has its file: it goes out like any other. */
  async release(message: StoredMessage): Promise<void> {
    const { keep, flush } = this.#ports
    await keep.post(message, postOf(message))
    this.show([message])
    await flush()
  }

  /** One that was only held. */
  async forget(id: string): Promise<void> {
    const { keep, box } = this.#ports
    await keep.forget(id)
    box.set({ messages: box.value.messages.filter((message) => message.id !== id) })
  }

  /** Of an own message that the host has. */
  async edit(id: string, text: string): Promise<void> {
    await this.#alter(id, { type: 'edit', message: fromHex(id), text }, (message) => ({
      ...message,
      ...{ text, edited: true },
    }))
  }

  /** For all. */
  async remove(id: string): Promise<void> {
    await this.#alter(id, { type: 'delete', message: fromHex(id) }, ({ file: _, ...message }) => ({
      ...message,
      ...{ text: '', deleted: true, edited: false, replyTo: null, reactions: [] },
    }))
  }

  async react(id: string, emoji: string, on: boolean): Promise<void> {
    const me = this.#ports.own.profile?.member
    if (me == null) return
    await this.#alter(id, { type: 'react', message: fromHex(id), emoji, on }, (message) => ({
      ...message,
      reactions: withReaction(message.reactions, emoji, me, on),
    }))
  }

  /** Shown as it will be; what the host makes of it comes as MESSAGE and counts. */
  async #alter(
    id: string,
    event: ChatEvent,
    change: (message: StoredMessage) => StoredMessage,
  ): Promise<void> {
    const changed = await this.#ports.keep.alter(this.#event(event), id, (message) => {
      const isFixed = message.seq === null || message.notice !== null
      return isFixed || message.deleted || message.gone ? null : change(message)
    })
    if (changed !== null) this.show([changed])
  }

  #event(event: ChatEvent) {
    return { id: this.#ports.random(16), ...encodeEvent(event) }
  }

  /** A person sees the shown room, and everything in it. */
  markRead(): Promise<void> {
    return this.#later(async () => {
      const { keep, own, box } = this.#ports
      const { profile } = own
      const room = this.#room
      const last = box.value.messages.findLast(({ seq }) => seq !== null)?.seq ?? 0
      if (profile?.deviceId == null || last <= (profile.read[room] ?? 0)) return
      await own.update({ read: { ...profile.read, [room]: last } })
      const event = {
        type: 'read',
        room: fromHex(room),
        seq: last,
        shared: profile.receipts,
      } as const
      await keep.enqueue(this.#event(event))
      await this.#count([room])
      await this.#ports.flush()
    })
  }

  /** In one line with the marks: what is read from now on goes by it. */
  shareReceipts(receipts: boolean): Promise<void> {
    return this.#later(async () => {
      await this.#ports.own.update({ receipts })
      this.#ports.box.set({ receipts })
    })
  }

  async #count(rooms: readonly string[]): Promise<void> {
    const { keep, own, box } = this.#ports
    const read = own.profile?.read ?? {}
    const counts = new Map<string, Pick<Room, Counted>>()
    for (const room of rooms) {
      const after = read[room] ?? 0
      // What is shown can be counted without the database.
      const others =
        room === this.#room && !box.value.hasNewer
          ? box.value.messages.filter((message) => isNews(message) && (message.seq ?? 0) > after)
          : await keep.others(room, after)
      counts.set(room, this.#countedOf(others))
    }
    const counted = (room: Room): Room => ({ ...room, ...counts.get(room.id) })
    box.set({ rooms: box.value.rooms.map(counted) })
  }

  #countedOf(others: readonly Message[]): Pick<Room, Counted> {
    const { me, members } = this.#ports.box.value
    const naming = others.filter(({ text }) => me !== null && mentionsIn(text, members).has(me))
    return { unread: others.length, mentions: naming.length }
  }

  /** Many messages that come at once are counted once. */
  #countSoon(rooms: Iterable<string>): void {
    const idle = this.#uncounted.size === 0
    for (const room of rooms) this.#uncounted.add(room)
    if (idle)
      void this.#later(() => {
        const now = [...this.#uncounted]
        this.#uncounted.clear()
        return this.#count(now)
      })
  }

  #later(run: () => Promise<void>): Promise<void> {
    const done = this.#tail.then(run)
    this.#tail = done.catch(() => undefined)
    return done
  }
}

const firstRoom = (name: string): Omit<Room, Counted> => ({
  ...{ id: HOST_ROOM, kind: 'room', name, members: [], mine: false, leavable: false },
  ...{ lifeMs: 0, isTimer: false, goneUpTo: 0 },
})

/** How far the one of the others has read who has read furthest. */
const furthest = (profile: Profile | null, room: string): number =>
  Math.max(0, ...Object.values(profile?.readBy[room] ?? {}))
