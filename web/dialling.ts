// Carriers to the host: does what redial.ts decides, and shows how it goes. One dial finds the record, opens a carrier and
// resumes the conversation on it.
import type { Mode } from '../shared/constants.ts'
import type { CryptoBackend, DhKey } from '../shared/crypto.ts'
import { ClawError, type ClawErrorCode, codeOf } from '../shared/error.ts'
import type { RecordBody } from '../shared/record.ts'
import type { Chatting } from './chatting.ts'
import type { Clock } from './clock.ts'
import type { Live } from './conversation.ts'
import type { Connection } from './model.ts'
import { type Opened, openCarrier, SHORTER } from './open.ts'
import type { Own } from './own.ts'
import { causeOf, type Records } from './records.ts'
import {
  counts,
  type DialEffect,
  type RedialEffect,
  type RedialInput,
  type RedialTimer,
  restingRedial,
  stepRedial,
  type Way,
} from './redial.ts'
import type { Resolved } from './resolve.ts'
import type { Session } from './session.ts'
import type { StateBox } from './state.ts'
import { idleSteps, Steps } from './steps.ts'

const ANSWER_MS = 15_000

/** What may lead to a dial. */
const BEGINS: ReadonlySet<RedialInput['type']> = new Set(['want', 'network', 'suspect', 'fired'])

export interface DiallingPorts {
  readonly backend: CryptoBackend
  readonly own: Own
  readonly box: StateBox
  readonly clock: Clock
  readonly records: Records
  readonly deviceKey: () => Promise<DhKey>
  /** @throws ClawError('page-incomplete') */
  readonly load: () => Promise<Chatting>
  /** false while another tab leads, a link waits here, or the host has removed this device */
  readonly mayDial: () => boolean
  /** this browser is nobody's device */
  readonly onNobody: () => void
  /** the conversation goes on here */
  readonly onConnected: (live: Live, found: Resolved) => Promise<void>
  /** why a dial failed. @returns whether that was the last one */
  readonly onFailed: (cause: ClawErrorCode) => boolean
  /** there is no carrier. `cause`: of the last failure, null after a conversation; `lasting`: it is worth words */
  readonly onDown: (cause: ClawErrorCode | null, lasting: boolean) => void
}

export class Dialling {
  readonly #ports: DiallingPorts
  #redial = restingRedial(SHORTER)
  readonly #timers = new Map<RedialTimer, ReturnType<typeof setTimeout>>()
  /** the dial whose progress is shown */
  #shown = 0
  /** why the last dial failed */
  #cause: ClawErrorCode | null = null
  /** of the carrier in use, while another one is dialled because it is suspect */
  #trustedSteps: Connection['steps'] = []

  constructor(ports: DiallingPorts) {
    this.#ports = ports
  }

  feed(input: RedialInput): void {
    if (BEGINS.has(input.type) && !this.#ports.mayDial()) return
    const [next, effects] = stepRedial(this.#redial, input)
    this.#redial = next
    for (const effect of effects) this.#do(effect)
  }

  /** Answers are overdue. Make before break: what the old carrier may still say is heard meanwhile. */
  suspect(live: Live | null): void {
    const { box } = this.#ports
    this.#trustedSteps = box.value.connection.steps
    this.feed({ type: 'suspect', heldMs: Date.now() - (live?.sinceMs ?? 0) })
    box.connection({ state: 'reconnecting', latencyMs: null })
  }

  /** They came after all. */
  trusted(): void {
    this.feed({ type: 'trusted' })
    this.#ports.box.connection({ state: 'connected', steps: this.#trustedSteps })
  }

  /** Of this dial, else of joining. */
  steps(dial: number | null = null): Steps {
    const isShown = (): boolean => dial === null || this.#isShown(dial)
    return new Steps({ box: this.#ports.box, clock: () => performance.now(), isShown })
  }

  /** A carrier that has shaken hands, by this record. Throws ClawError (open.ts). */
  open(
    record: RecordBody,
    root: Uint8Array,
    mode: Mode,
    steps: Steps,
    how: Way & { readonly urgent?: boolean } = {},
  ): Promise<Opened> {
    const { clock, records, backend, deviceKey } = this.#ports
    return openCarrier({ steps, clock, records, backend, deviceKey, record, root, mode, ...how })
  }

  #isShown(dial: number): boolean {
    return dial === this.#shown && counts(this.#redial, dial)
  }

  /** One at a time. After a failure what stands there is what the last one came to: why, and not that others try. */
  #follow(dial: number): void {
    const { failures, since } = this.#redial
    const isFree = failures === 0 && !counts(this.#redial, this.#shown)
    if (isFree || dial === since) this.#shown = dial
  }

  #do(effect: RedialEffect): void {
    switch (effect.type) {
      case 'dial':
        this.#follow(effect.dial)
        void this.#dial(effect)
        break
      case 'timer':
        clearTimeout(this.#timers.get(effect.timer))
        if (effect.ms !== null) {
          const fire = (): void => this.feed({ type: 'fired', timer: effect.timer })
          this.#timers.set(effect.timer, setTimeout(fire, effect.ms))
        }
        break
      case 'down': {
        const cause = this.#cause
        this.#cause = null
        this.#ports.onDown(cause, effect.lasting)
        break
      }
    }
  }

  async #dial({ dial, way, beside, urgent, hedge }: DialEffect): Promise<void> {
    const { own, box, records, load, onNobody, onConnected } = this.#ports
    const steps = this.steps(dial)
    let found: Resolved | null = null
    try {
      // Another tab may have led, or joined, since this one looked.
      if (!beside) await own.load()
      const root = own.profile?.root ?? null
      if (root === null) return onNobody()
      const loading = load()
      // Awaited once there is a session to use it.
      loading.catch(() => undefined)
      if (!beside) this.#showDialling(dial)
      found = await records.findOwn(root, steps, hedge)
      const how = { ...way, urgent }
      const { session, route, epoch } = await this.open(found.record, root, 'connect', steps, how)
      const chat = await loading.catch((error) => {
        session.close()
        throw error
      })
      const live = await this.#resume(chat, session, epoch, dial, steps)
      // It may have ended since.
      if (chat.conversation.live !== live) throw new ClawError('no-answer')
      if (!this.#isShown(dial)) steps.show()
      this.feed({ type: 'up', dial, route })
      box.connection({ state: 'connected', route, epoch })
      chat.files.live(route)
      await onConnected(live, found).catch((error) => box.set({ error: codeOf(error) }))
    } catch (error) {
      const { route } = this.#redial
      if (route === null && counts(this.#redial, dial) && !this.#isShown(dial)) steps.show()
      this.#failed(dial, causeOf(codeOf(error), found, box.value.clock))
    }
  }

  #failed(dial: number, cause: ClawErrorCode): void {
    if (this.#ports.onFailed(cause)) return
    this.#cause = cause
    this.feed({ type: 'failed', dial })
  }

  #showDialling(dial: number): void {
    const { box } = this.#ports
    const again = box.value.connection.epoch === null ? 'connecting' : 'reconnecting'
    const state = navigator.onLine ? again : 'offline'
    box.connection({ state, route: null })
    if (this.#isShown(dial)) box.connection({ steps: idleSteps() })
  }

  async #resume(
    { conversation }: Chatting,
    session: Session,
    epoch: number,
    dial: number,
    steps: Steps,
  ): Promise<Live> {
    // Meanwhile the profile may have become another host's: nothing of it may be said to this one.
    if (!counts(this.#redial, dial)) {
      session.close()
      throw new ClawError('superseded')
    }
    const deadline = setTimeout(() => session.close(), ANSWER_MS)
    try {
      return await steps.run('sync', () => conversation.resume(session, epoch))
    } finally {
      clearTimeout(deadline)
    }
  }
}
