// Pictures of members on the host (SPEC §7.11): who may set one and who may see it. Each content lies once, sealed.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { concat, toHex } from '../shared/bytes.ts'
import type { Aead, RandomBytes } from '../shared/crypto.ts'
import { ClawError } from '../shared/error.ts'
import { kdf } from '../shared/hash.ts'
import type { Pictured, PictureOf } from '../shared/lookups.ts'
import { Pace } from '../shared/pace.ts'
import { PICTURE_ID_BYTES } from '../shared/picture.ts'
import { isMemberPicture, pictureId } from '../shared/pictureheader.ts'
import { transaction } from './database.ts'
import type { Members } from './members.ts'
import { nodeBackend } from './nodecrypto.ts'
import type { RoomList } from './roomlist.ts'
import { shownTo } from './roster.ts'

/** Changes of a member at once, and in a second from then on. */
export const PICTURE_BURST = 10
const PICTURES_PER_SECOND = 1 / 360
const NONCE_BYTES = 12
const NONE = new Uint8Array(PICTURE_ID_BYTES)

const SQL = {
  bear: 'UPDATE members SET picture = ? WHERE id = ?',
  keep: 'INSERT OR IGNORE INTO pictures (id, sealed) VALUES (?, ?)',
  sweep: 'DELETE FROM pictures WHERE id NOT IN (SELECT picture FROM members)',
  sealed: 'SELECT sealed FROM pictures WHERE id = ?',
} as const

interface PicturesInput {
  readonly db: DatabaseSync
  readonly members: Members
  readonly rooms: RoomList
  /** of H, 32 bytes */
  readonly secret: Uint8Array
  readonly random: RandomBytes
  /** a clock that is never set */
  readonly nowMs: () => number
}

export class Pictures {
  readonly #input: PicturesInput
  readonly #key: Aead
  readonly #sql: Readonly<Record<keyof typeof SQL, StatementSync>>
  /** by member; who has one is in */
  readonly #paces = new Map<string, Pace>()

  constructor(input: PicturesInput) {
    this.#input = input
    this.#key = nodeBackend.aead(kdf(input.secret, 'pictures'))
    const entries = Object.entries(SQL).map(([name, sql]) => [name, input.db.prepare(sql)])
    this.#sql = Object.fromEntries(entries) as Record<keyof typeof SQL, StatementSync>
  }

  /** No bytes: none from now on. Rejects with ClawError: `picture-refused`, `too-many`; then nothing has changed. */
  async set(member: string, picture: Uint8Array): Promise<void> {
    if (picture.length > 0 && !isMemberPicture(picture)) throw new ClawError('picture-refused')
    const { db, random, nowMs } = this.#input
    const pace = this.#paces.get(member) ?? new Pace(nowMs(), PICTURES_PER_SECOND, PICTURE_BURST)
    this.#paces.set(member, pace)
    if (pace.take(nowMs()) > 0) throw new ClawError('too-many')
    const id = picture.length > 0 ? pictureId(picture) : NONE
    const nonce = random(NONCE_BYTES)
    const sealed = concat(nonce, await this.#key.seal(nonce, id, picture))
    transaction(db, () => {
      this.#sql.bear.run(id, member)
      if (picture.length > 0) this.#sql.keep.run(id, sealed)
      this.#sql.sweep.run()
    })
  }

  /** `member`: who asks. No bytes where there is none, and of whom it does not see. */
  async answer(member: string, { token, member: of }: PictureOf): Promise<Pictured> {
    const { members, rooms } = this.#input
    const wanted = toHex(of)
    const row = shownTo(members.members(), rooms, member).find(({ id }) => id === wanted)
    const picture = row === undefined ? null : await this.#open(row.picture)
    return { type: 'pictured', token, code: null, picture: picture ?? new Uint8Array() }
  }

  async #open(id: Uint8Array): Promise<Uint8Array | null> {
    const sealed = this.#sql.sealed.get(id)?.sealed as Uint8Array | undefined
    if (sealed === undefined) return null
    return this.#key.open(sealed.slice(0, NONCE_BYTES), id, sealed.slice(NONCE_BYTES))
  }
}
