// A record that comes by hand: a file `record.bin` dropped on the page or chosen. It is read by the rules of any record
// (SPEC §3.2), and a wrong file changes nothing.
import { RECORD_BYTES } from '../shared/constants.ts'
import { ClawError, codeOf } from '../shared/error.ts'
import { type Invite, inviteRoot } from '../shared/invite.ts'
import type { Own } from './own.ts'
import type { Pin, Records } from './records.ts'
import type { StateBox } from './state.ts'

/** 6144 bytes, not verified; of several files the first that is as long. Throws ClawError('record-malformed'). */
export async function readRecordFile(files: readonly Blob[]): Promise<Uint8Array> {
  // Judged by its size before a byte of it is read: people drop films too.
  const file = files.find(({ size }) => size === RECORD_BYTES)
  if (file === undefined) throw new ClawError('record-malformed')
  try {
    return new Uint8Array(await file.arrayBuffer())
  } catch {
    // A folder, or a file that has gone meanwhile.
    throw new ClawError('record-malformed')
  }
}

export interface HandoverPorts {
  readonly own: Own
  readonly box: StateBox
  readonly records: Records
  /** the one that waits for Join */
  readonly invite: () => Invite | null
  /** a good one came while nobody was connected */
  readonly onTaken: () => void
  /** it was the host's last (SPEC §3.5) */
  readonly onBurned: () => void
}

export class Handover {
  readonly #ports: HandoverPorts

  constructor(ports: HandoverPorts) {
    this.#ports = ports
  }

  /** @returns whether the file was good; for an invite nothing more happens until Join */
  async take(files: readonly Blob[]): Promise<boolean> {
    const { box, records, onTaken, onBurned } = this.#ports
    const invite = this.#ports.invite()
    try {
      const bytes = await readRecordFile(files)
      await records.keepGiven(bytes, this.#pinOf(invite))
      box.set({ handover: 'taken' })
    } catch (error) {
      const code = codeOf(error)
      box.set({ handover: code })
      if (code === 'burned' && invite === null) onBurned()
      return false
    }
    if (invite === null && box.value.connection.state !== 'connected') onTaken()
    return true
  }

  #pinOf(invite: Invite | null): Pin {
    if (invite !== null) return { ...invite, root: inviteRoot(invite) }
    const { profile } = this.#ports.own
    // Without a link nobody knows whose record it would have to be.
    if (profile?.root == null) throw new ClawError('record-no-slot')
    return { root: profile.root, hostPublicKey: profile.hostPublicKey, minSeq: profile.seq }
  }
}
