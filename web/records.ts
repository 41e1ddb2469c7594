// The host's record as this device knows it: found in the stores, brought by a session, kept if it is newer (SPEC §3.2).
import { ClawError, type ClawErrorCode, codeOf } from '../shared/error.ts'
import { decodeInvite, type Invite, inviteRoot } from '../shared/invite.ts'
import { openRecord, type RecordBody } from '../shared/record.ts'
import type { Clock } from './clock.ts'
import { megaGateway } from './gateway.ts'
import type { ClockFinding } from './model.ts'
import type { Own } from './own.ts'
import { openOrBurn, type Resolved, resolveRecord } from './resolve.ts'
import type { StateBox } from './state.ts'
import type { Steps } from './steps.ts'

const SLOT_TRIES = 10
const SLOT_WAIT_MS = 500

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** What a record is verified against. */
export interface Pin {
  readonly root: Uint8Array
  readonly hostPublicKey: Uint8Array
  readonly minSeq: number
}

/** What says more than silence: the stores' own answer, a wrong clock, a record past its time. */
export function causeOf(
  code: ClawErrorCode,
  found: Resolved | null,
  clock: ClockFinding | null,
): ClawErrorCode {
  if (code !== 'no-answer' && code !== 'record-stale') return code
  if (found?.stores === 0 && found.noSlot > 0) return 'record-no-slot'
  // A true time was not to be had, so that no port of now was tried.
  if (clock?.atLeast) return 'clock-wrong'
  return found?.stale ? 'record-stale' : code
}

function opens(bytes: Uint8Array, pin: Pin): boolean {
  try {
    return openRecord({ bytes, ...pin }).seq >= pin.minSeq
  } catch {
    return false
  }
}

export class Records {
  readonly #own: Own
  readonly #box: StateBox
  readonly #clock: Clock
  /** of those seen in this run */
  newest: RecordBody | null = null
  /** handed over for an invite: there is no device yet whose record it could be */
  #given: Uint8Array | null = null
  /** the last record led nowhere: a quick store may hold a newer one back, and a slower one have it */
  #misled = false

  constructor(own: Own, box: StateBox, clock: Clock) {
    this.#own = own
    this.#box = box
    this.#clock = clock
  }

  /** The newest valid record for `root`, as two steps of "Connection details". Throws ClawError (resolve.ts). */
  async find(
    root: Uint8Array,
    { locator, hostPublicKey, minSeq }: Pick<Invite, 'locator' | 'hostPublicKey' | 'minSeq'>,
    steps: Steps,
    hedge = false,
  ): Promise<Resolved> {
    const cached = this.#cached({ root, hostPublicKey, minSeq })
    const found = await steps.run(
      'record',
      () =>
        resolveRecord({
          locator,
          root,
          hostPublicKey,
          minSeq,
          cached,
          otherRoot: this.#inviteRoot(),
          patient: this.#misled && !hedge,
          nowMs: Date.now(),
          fetch: (url, init) => fetch(url, init),
          megaGateway,
        }),
      ({ stores, asked, older, record, cause, stale, storeMs }) => ({
        stores,
        asked,
        older,
        ageMs: Math.max(0, (storeMs ?? this.#clock.hostNowMs()) - record.issuedMs),
        stale: stale ? 1 : 0,
        ...(cause === null ? {} : { cause }),
      }),
    )
    this.#clock.found(found)
    await steps.run('verify', async () => {
      if (found.record.burn) throw new ClawError('burned')
      await this.#keepNewer(found.bytes, found.record)
    })
    return found
  }

  /**
   * As `find`, for a device: one that has just enrolled waits until a store has the record with its slot. `hedge`: another
   * one waits for the slow stores.
   */
  async findOwn(root: Uint8Array, steps: Steps, hedge = false): Promise<Resolved> {
    for (let i = 1; ; i++) {
      const { record, hostPublicKey, seq } = this.#own.must()
      const locator = this.#locator(record, root)
      try {
        return await this.find(root, { locator, hostPublicKey, minSeq: seq }, steps, hedge)
      } catch (error) {
        if (codeOf(error) !== 'record-no-slot' || i === SLOT_TRIES) throw error
        await sleep(SLOT_WAIT_MS)
      }
    }
  }

  /** The device's own copy, else what was handed over for this invite. */
  #cached(pin: Pin): Uint8Array | null {
    const given = this.#given
    const own = this.#own.profile?.record ?? null
    if (given === null || (own !== null && opens(own, pin))) return own
    return opens(given, pin) ? given : own
  }

  /** Of the invite that this device came by, until its first connection: the newest record may know that one only. */
  #inviteRoot(): Uint8Array | null {
    const invite = this.#own.profile?.invite ?? null
    return invite === null ? null : inviteRoot(decodeInvite(invite))
  }

  /** The newest record's own list of stores; before there is one, the invite's. */
  #locator(bytes: Uint8Array | null, root: Uint8Array): Invite['locator'] {
    const { hostPublicKey, invite } = this.#own.must()
    const ofInvite = invite === null ? null : decodeInvite(invite)
    const roots = ofInvite === null ? [root] : [root, inviteRoot(ofInvite)]
    for (const credential of bytes === null ? [] : roots) {
      try {
        return openRecord({
          bytes: bytes as Uint8Array,
          root: credential,
          hostPublicKey,
          minSeq: 0,
        }).locator
      } catch {
        // Sealed for the other credential.
      }
    }
    return ofInvite?.locator ?? []
  }

  /**
   * A record that a live session brought. One that does not verify changes nothing. @returns it, if it was newer.
   * Throws ClawError('burned').
   */
  async take(bytes: Uint8Array): Promise<RecordBody | null> {
    const { root, hostPublicKey, seq } = this.#own.must()
    if (root === null) return null
    let record: RecordBody
    try {
      record = openOrBurn({ bytes, root, hostPublicKey, minSeq: seq })
    } catch {
      return null
    }
    if (record.burn) throw new ClawError('burned')
    await this.#keepNewer(bytes, record)
    return record
  }

  /** Learns whether a record that was found led to the host; where nobody answered, what is known of the time is said. */
  async dialled<T>(carrier: Promise<T>): Promise<T> {
    this.#misled = true
    try {
      const open = await carrier
      this.#misled = false
      return open
    } catch (error) {
      this.#clock.silent()
      throw error
    }
  }

  /** A record that a person handed over. Throws ClawError (openRecord, `burned`); then nothing has changed. */
  async keepGiven(bytes: Uint8Array, pin: Pin): Promise<void> {
    const record = openOrBurn({ bytes, ...pin })
    if (record.burn) throw new ClawError('burned')
    const { root, deviceId } = this.#own.profile ?? {}
    if (deviceId && root === pin.root) await this.#keepNewer(bytes, record)
    else this.#given = bytes
  }

  async #keepNewer(bytes: Uint8Array, record: RecordBody): Promise<void> {
    const { profile } = this.#own
    if (profile === null || record.seq < profile.seq) return
    this.newest = record
    if (profile.deviceId === null) {
      this.#own.note({ ...profile, record: bytes, seq: record.seq })
      return
    }
    await this.#own.update({ record: bytes, seq: record.seq })
    const { security } = this.#box.value
    if (security !== null)
      this.#box.set({
        security: { ...security, intervalMs: record.intervalMs, recordAtMs: record.issuedMs },
      })
  }
}
