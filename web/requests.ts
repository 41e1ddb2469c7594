// What the person asks of the host (SPEC §7.3): one request at a time, its answer into the state that the views show.
// Knows no carrier: on the next one the same request goes out again, and the host does nothing twice. Each tab waits for
// its own answers only: a link is shown where it was asked for, and nowhere else.
import { fromHex, toHex } from '../shared/bytes.ts'
import type { ClawErrorCode } from '../shared/error.ts'
import type { ClawMessage } from '../shared/messages.ts'
import type { Answer, Request } from '../shared/requests.ts'
import type { Asked, Asking, InviteWish } from './model.ts'
import type { Runtime } from './runtime.ts'
import type { StateBox } from './state.ts'

/** The host waits a few seconds for stores before it answers. */
const ANSWER_MS = 20_000

type Asks = Extract<ClawMessage, { type: 'request' }>

export interface RequestPorts {
  readonly box: StateBox
  readonly runtime: Pick<Runtime, 'after' | 'random'>
  /** on the carrier in use, or by the tab that has one; false without one */
  readonly send: (message: Asks) => boolean
  /** the host made this room, or found it; hex id */
  readonly onRoom: (room: string) => void
}

export class Requests implements Asking {
  readonly #ports: RequestPorts
  #pending: {
    readonly message: Asks
    readonly cancel: () => void
    readonly onAnswer: ((answer: Answer) => void) | undefined
  } | null = null

  constructor(ports: RequestPorts) {
    this.#ports = ports
  }

  invite(wish: InviteWish): void {
    this.ask({ kind: 'invite', ...wish, rooms: wish.rooms.map((room) => fromHex(room)) })
  }
  addDevice(member?: string): void {
    const id = member ?? this.#ports.box.value.me
    if (id !== null) this.ask({ kind: 'device-link', id: fromHex(id) })
  }
  withdraw(invite: string): void {
    this.ask({ kind: 'withdraw', id: fromHex(invite) })
  }
  removeDevice(device: string): void {
    this.ask({ kind: 'remove-device', id: fromHex(device) })
  }
  removeMember(member: string): void {
    this.ask({ kind: 'remove-member', id: fromHex(member) })
  }
  renameMember(member: string, name: string): void {
    this.ask({ kind: 'rename-member', id: fromHex(member), name: name.trim() })
  }
  renameDevice(device: string, name: string): void {
    this.ask({ kind: 'rename-device', id: fromHex(device), name: name.trim() })
  }

  profile(tone: number, present: boolean): void {
    this.ask({ kind: 'profile', tone, present })
  }
  picture(bytes: Uint8Array): void {
    this.ask({ kind: 'picture', picture: bytes })
  }
  overview(): void {
    this.ask({ kind: 'overview' })
  }

  makeRoom(name: string, members: readonly string[]): void {
    this.ask({
      kind: 'make-room',
      name: name.trim(),
      members: members.map((member) => fromHex(member)),
    })
  }
  talkTo(member: string): void {
    this.ask({ kind: 'talk-to', id: fromHex(member) })
  }
  renameRoom(room: string, name: string): void {
    this.ask({ kind: 'rename-room', id: fromHex(room), name: name.trim() })
  }
  addToRoom(room: string, member: string): void {
    this.ask({ kind: 'add-to-room', id: fromHex(room), member: fromHex(member) })
  }
  leaveRoom(room: string, member: string): void {
    this.ask({ kind: 'leave-room', id: fromHex(room), member: fromHex(member) })
  }

  setLifetime(room: string, lifeMs: number): void {
    this.ask({ kind: 'lifetime', id: fromHex(room), lifeMs })
  }

  /** Forgets the last answer; a link in it is not shown again. */
  dismiss(): void {
    this.#end()
    this.#ports.box.set({ asked: null })
  }

  /** `onAnswer` is called unless the host refuses. */
  ask(request: Request, onAnswer?: (answer: Answer) => void): void {
    const { box, runtime, send } = this.#ports
    if (box.value.asked?.status === 'running') return
    const token = new DataView(runtime.random(4).buffer).getUint32(0)
    box.set({ asked: begun(request) })
    const message: Asks = { type: 'request', token, request }
    const cancel = runtime.after(ANSWER_MS, () => this.#fail('no-answer'))
    this.#pending = { message, cancel, onAnswer }
    try {
      if (!send(message)) this.#fail('no-answer')
    } catch {
      this.#fail('limit')
    }
  }

  /** A fresh carrier: the answer may have been lost with the one before. */
  again(): void {
    if (this.#pending !== null) this.#ports.send(this.#pending.message)
  }

  /** @returns whether it was asked here, and not too long ago */
  answered({ token, answer }: Extract<ClawMessage, { type: 'answer' }>): boolean {
    if (token !== this.#pending?.message.token) return false
    const { onAnswer } = this.#pending
    if (answer.kind === 'failed') this.#fail(answer.code)
    else {
      this.#done(resultOf(answer))
      onAnswer?.(answer)
    }
    if (answer.kind === 'room') this.#ports.onRoom(toHex(answer.room))
    return true
  }

  #done(change: Partial<Asked>): void {
    this.#end()
    const { box } = this.#ports
    const { asked } = box.value
    if (asked !== null) box.set({ asked: { ...asked, status: 'done', ...change } })
  }

  #fail(code: ClawErrorCode): void {
    this.#done({ status: 'failed', code })
  }

  #end(): void {
    this.#pending?.cancel()
    this.#pending = null
  }
}

const begun = (request: Request): Asked => ({
  kind: request.kind,
  id: 'id' in request ? toHex(request.id) : null,
  status: 'running',
  code: null,
  link: null,
  removal: null,
  overview: null,
})

function resultOf(answer: Exclude<Answer, { kind: 'failed' }>): Partial<Asked> {
  switch (answer.kind) {
    case 'done':
    case 'room':
    case 'push-key':
      return {}
    case 'link': {
      const { link, reach, expiresAtMs } = answer
      return { link: { url: link, invite: toHex(answer.invite), reach, expiresAtMs } }
    }
    case 'overview':
      return { overview: answer.overview }
    case 'gone': {
      return { removal: { waiting: answer.waiting, links: answer.links.length } }
    }
  }
}
