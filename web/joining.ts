// An invite in this tab (SPEC §2, §6.3): offered, joined or left alone. The conversation rests while one waits.
import { toHex } from '../shared/bytes.ts'
import { ClawError, type ClawErrorCode, codeOf } from '../shared/error.ts'
import { decodeInvite, type Invite, inviteRoot } from '../shared/invite.ts'
import type { RecordBody } from '../shared/record.ts'
import type { Device } from './device.ts'
import { askToEnrol } from './enrol.ts'
import { rememberLink } from './link.ts'
import type { Opened } from './open.ts'
import type { Own } from './own.ts'
import { causeOf, type Records } from './records.ts'
import { browserRuntime } from './runtime.ts'
import type { StateBox } from './state.ts'
import { idleSteps, type Steps } from './steps.ts'

const JOIN_AGAIN_MS = 3000
/** What passes by itself. */
const PASSING: readonly ClawErrorCode[] = [
  'no-network',
  'no-answer',
  'store-unreachable',
  'record-missing',
]

/** An invite as it was opened, and what it says. */
interface Link {
  readonly fragment: string
  readonly invite: Invite
}

export interface JoiningPorts {
  readonly device: Pick<Device, 'isBurnt' | 'begin' | 'enrolled'>
  readonly own: Own
  readonly box: StateBox
  readonly records: Records
  readonly steps: Steps
  readonly open: (record: RecordBody, root: Uint8Array) => Promise<Opened>
  /** another host's conversation ends: what it still says must not stand under this one's name */
  readonly onOffer: () => void
  /** the profile is about to be another one */
  readonly onJoining: () => void
  /** it is another one now, and kept */
  readonly onEnrolled: () => Promise<void>
  readonly onJoined: () => Promise<void>
  /** the invite is left alone */
  readonly onDismiss: () => void
}

const same = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a !== undefined && b !== undefined && toHex(a) === toHex(b)

export class Joining {
  readonly #ports: JoiningPorts
  #link: Link | null = null
  /** another link of a host that knows this device: of use only if it turns out not to any more */
  #spare: Link | null = null
  #again: ReturnType<typeof setTimeout> | undefined

  constructor(ports: JoiningPorts) {
    this.#ports = ports
  }

  /** The one that waits for Join. */
  get invite(): Invite | null {
    return this.#link?.invite ?? null
  }

  take(fragment: string): void {
    const { own, box } = this.#ports
    try {
      const link = { fragment, invite: decodeInvite(fragment) }
      const { hostPublicKey, deviceId } = own.profile ?? {}
      // This browser is a device of that host already: the link stays unused while that holds.
      if (deviceId && same(hostPublicKey, link.invite.hostPublicKey)) {
        this.#spare = link
        this.offerSpare(box.value.error)
      } else this.#offer(link)
    } catch (error) {
      const phase = own.profile === null ? 'blank' : box.value.phase
      box.set({ phase, error: codeOf(error) })
    }
  }

  #offer(link: Link): void {
    const { own, box, onOffer } = this.#ports
    this.#link = link
    rememberLink(link.fragment)
    // The press of Join was for the link before.
    clearTimeout(this.#again)
    onOffer()
    const { deviceId, hostName } = own.profile ?? {}
    box.set({
      phase: 'join',
      hostName: link.invite.hostName,
      otherChat: deviceId && hostName !== undefined ? hostName : null,
      error: null,
    })
  }

  /** The host's record has nothing for this device any more: a new link may let it in again. */
  offerSpare(code: ClawErrorCode | null): void {
    if (code !== 'record-no-slot' && code !== 'removed') return
    if (this.#spare === null) return
    this.#offer(this.#spare)
    this.#spare = null
  }

  /** This device is in: no link is needed. */
  forgetSpare(): void {
    this.#spare = null
    rememberLink(null)
  }

  /** Another tab has joined with it. */
  forgetIfOf(hostPublicKey: Uint8Array | undefined): void {
    if (!same(hostPublicKey, this.invite?.hostPublicKey)) return
    this.#link = null
    rememberLink(null)
  }

  /** Leaves the invite alone and goes back to the chat that this browser has. */
  dismiss(): void {
    const { own, box, onDismiss } = this.#ports
    if (own.profile?.deviceId == null || box.value.phase === 'joining') return
    clearTimeout(this.#again)
    this.#link = null
    rememberLink(null)
    box.set({ otherChat: null, error: null })
    onDismiss()
  }

  async join(name: string, again = false): Promise<void> {
    const { own, box, onJoined } = this.#ports
    clearTimeout(this.#again)
    const link = this.#link
    if (link === null || box.value.phase === 'joining') return
    box.set(again ? { phase: 'joining' } : { phase: 'joining', error: null })
    box.connection({ state: 'connecting', steps: idleSteps() })
    try {
      await this.#enrol(link, name)
      this.#link = null
      rememberLink(null)
      await onJoined()
    } catch (error) {
      const code = codeOf(error)
      await own.load().catch(() => own.note(null))
      // Another link has come meanwhile, and waits for a Join of its own.
      if (this.#link !== link) return
      box.set({ phase: 'join', error: causeOf(code, null, box.value.clock) })
      // Join was pressed once; what a network does meanwhile should not ask for it again.
      if (PASSING.includes(code))
        this.#again = setTimeout(() => void this.join(name, true), JOIN_AGAIN_MS)
    }
  }

  async #enrol(link: Link, name: string): Promise<void> {
    const { fragment, invite } = link
    const { device, own, records, steps, open, onJoining, onEnrolled } = this.#ports
    if (await device.isBurnt(invite.hostPublicKey)) throw new ClawError('burned')
    own.note(await device.begin(fragment, invite.hostPublicKey, invite.hostName, name))
    const root = inviteRoot(invite)
    const { record } = await records.find(root, invite, steps)
    const { session } = await open(record, root)
    const answer = await askToEnrol(session, name, browserRuntime)
    // The profile is no longer that of this link; without a first connection the invite stays unused.
    if (this.#link !== link) throw new ClawError('superseded')
    onJoining()
    await device.enrolled({ ...own.must(), deviceId: answer.device, root: answer.root })
    await own.load()
    await onEnrolled()
  }
}
