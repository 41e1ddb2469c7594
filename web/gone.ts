// What is left of a message once its time is over (SPEC §7.10).
import type { StoredMessage } from './keep.ts'

/** Of messages whose time is over, at most so many are deleted at once. */
export const ENDED_AT_ONCE = 200

/** Whom nobody is. */
const NOBODY = '00'.repeat(16)

/** What is left of a message once its time is over: its place. */
export const goneOf = ({ id, room, seq, atMs, change }: StoredMessage): StoredMessage => ({
  ...{ id, room, seq, atMs, change, author: NOBODY, mine: false, text: '', state: 'sent' },
  ...{ edited: false, deleted: false, gone: true, endsAtMs: 0, notice: null },
  ...{ replyTo: null, reactions: [] },
})
