// The host's record as this device knows it: found in the stores, brought by a session, kept if it is newer (SPEC §3.2).
import { ClawError } from '../shared/error.ts'
import { decodeInvite, type Invite, inviteRoot } from '../shared/invite.ts'
import { openRecord, type RecordBody } from '../shared/record.ts'
import { megaGateway } from './mega.ts'
import type { Own } from './own.ts'
import { openOrBurn, type Resolved, resolveRecord } from './resolve.ts'
import { codeOf, type StateBox } from './state.ts'

const SLOT_TRIES = 10
const SLOT_WAIT_MS = 500

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

export class Records {
  readonly #own: Own
  readonly #box: StateBox

  constructor(own: Own, box: StateBox) {
    this.#own = own
    this.#box = box
  }

  /** The newest valid record for `root`, as two steps of "Connection details". Throws ClawError (resolve.ts). */
  async find(
    root: Uint8Array,
    { locator, hostPublicKey, minSeq }: Pick<Invite, 'locator' | 'hostPublicKey' | 'minSeq'>,
  ): Promise<Resolved> {
    const cached = this.#own.profile?.record ?? null
    const found = await this.#box.step(
      'record',
      () =>
        resolveRecord({
          locator,
          root,
          hostPublicKey,
          minSeq,
          cached,
          nowMs: Date.now(),
          fetch: (url, init) => fetch(url, init),
          megaGateway: megaGateway(),
        }),
      ({ stores, asked, older, record }) => ({
        stores,
        asked,
        older,
        ageMs: Math.max(0, Date.now() - record.issuedMs),
      }),
    )
    await this.#box.step('verify', async () => {
      if (found.record.burn) throw new ClawError('burned')
      await this.#keepNewer(found.bytes, found.record)
    })
    return found
  }

  /** As `find`, for a device: one that has just enrolled waits until a store has the record with its slot. */
  async findOwn(root: Uint8Array): Promise<Resolved> {
    for (let i = 1; ; i++) {
      const { record, hostPublicKey, seq } = this.#own.must()
      const locator = this.#locator(record, root)
      try {
        return await this.find(root, { locator, hostPublicKey, minSeq: seq })
      } catch (error) {
        if (codeOf(error) !== 'record-no-slot' || i === SLOT_TRIES) throw error
        await sleep(SLOT_WAIT_MS)
      }
    }
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

  async #keepNewer(bytes: Uint8Array, record: RecordBody): Promise<void> {
    const { profile } = this.#own
    if (profile === null || record.seq < profile.seq) return
    if (profile.deviceId === null) {
      this.#own.note({ ...profile, record: bytes, seq: record.seq })
      return
    }
    await this.#own.update({ record: bytes, seq: record.seq })
    const { security } = this.#box.value
    if (security !== null)
      this.#box.set({ security: { ...security, intervalMs: record.intervalMs } })
  }
}
