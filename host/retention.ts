// Deletes what is over its time (SPEC §7.10), by a clock that is certain: one that was set ahead while this computer ran, or
// of which nothing is known since it was started, counts ten minutes later.
import { uptime } from 'node:os'
import type { DatabaseSync } from 'node:sqlite'
import {
  believed,
  type Reading,
  type Steady,
  steadyMs,
  stepSteady,
  UNKNOWN,
} from '../shared/steady.ts'
import { Settings } from './database.ts'
import type { HostInput } from './host.ts'
import { ENDED_AT_ONCE, type Rooms } from './rooms.ts'

/** How often it is looked whether something is over. */
export const LOOK_MS = 30_000
/** The same, while there is more. */
const MORE_MS = 100
/** In the settings: what {@link Steady} believes, which is when this computer was started. */
const BELIEVED = 'clock-believed'

export interface RetentionInput {
  readonly db: DatabaseSync
  readonly rooms: Rooms
  /** 0: for ever */
  readonly keepMs: number
  readonly read: () => Reading
  /** added to the system's clock by the host, for tests */
  readonly clockOffsetMs: number
  /** messages were deleted, and perhaps files with them */
  readonly onEnded: () => void
}

/** The system's clock, and one that runs on while it sleeps and while this host does not run. */
const systemReading = (): Reading => ({ wallMs: Date.now(), monoMs: uptime() * 1000 })

/** From now on, until what it returns is called. */
export function watchLifetimes(
  { state, options }: Pick<HostInput, 'state' | 'options'>,
  onEnded: () => void,
): () => void {
  const { keepMs, clockOffsetMs } = options
  const { database: db, rooms } = state
  const read = systemReading
  const retention = new Retention({ db, rooms, keepMs, clockOffsetMs, read, onEnded })
  let next: NodeJS.Timeout | undefined
  const look = (): void => {
    next = setTimeout(look, retention.look() ? MORE_MS : LOOK_MS)
  }
  look()
  return () => clearTimeout(next)
}

export class Retention {
  readonly #input: RetentionInput
  readonly #settings: Settings
  #clock: Steady
  /** what was deleted is not yet overwritten everywhere */
  #isUnswept = false

  constructor(input: RetentionInput) {
    this.#input = input
    this.#settings = new Settings(input.db)
    const kept = this.#settings.get(BELIEVED)
    // Where nothing was written yet nothing can be deleted too early.
    const first = input.rooms.list.messageCount === 0 ? believed(input.read()) : UNKNOWN
    this.#clock = kept === null ? first : { offsetMs: Number(kept), ahead: null }
    this.#keep(kept === null ? null : Number(kept))
  }

  /** @returns whether there is more to delete */
  look(): boolean {
    const { db, rooms, keepMs, read, clockOffsetMs, onEnded } = this.#input
    const reading = read()
    const before = this.#clock.offsetMs
    this.#clock = stepSteady(this.#clock, reading)
    this.#keep(before)
    if (this.#clock.offsetMs === UNKNOWN.offsetMs) return false
    const nowMs = steadyMs(this.#clock, reading.monoMs) + clockOffsetMs
    const ended = rooms.end(nowMs, keepMs)
    this.#isUnswept ||= ended > 0
    if (ended === ENDED_AT_ONCE) return true
    if (this.#isUnswept) {
      // What is deleted is overwritten; but what was written lately lies once more in the log beside the database.
      db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
      onEnded()
    }
    this.#isUnswept = false
    return false
  }

  #keep(before: number | null): void {
    const { offsetMs } = this.#clock
    const isSame = before !== null && Math.abs(offsetMs - before) < 1000
    if (!isSame && offsetMs !== UNKNOWN.offsetMs) this.#settings.set(BELIEVED, String(offsetMs))
  }
}
