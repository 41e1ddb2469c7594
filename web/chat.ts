// The conversation as a pure value: messages merged by id, in the order of display (SPEC §7).
import type { Message, MessageState } from './model.ts'

const RANK: Record<MessageState, number> = { sending: 0, failed: 1, sent: 2, delivered: 3, read: 4 }

/** A state never goes back, whatever order news comes in; only a retry leads from failed to sending. */
export const laterState = (a: MessageState, b: MessageState): MessageState =>
  RANK[a] >= RANK[b] ? a : b

/** Stored messages by sequence number, then the unsent ones in the order they were written. */
export function mergeMessages(
  known: readonly Message[],
  news: readonly Message[],
): readonly Message[] {
  if (news.length === 0) return known
  const byId = new Map(known.map((message) => [message.id, message]))
  for (const message of news) {
    const earlier = byId.get(message.id)
    byId.set(
      message.id,
      earlier === undefined
        ? message
        : {
            ...(message.change < earlier.change ? earlier : message),
            seq: message.seq ?? earlier.seq,
            state: nextState(earlier, message),
          },
    )
  }
  return [...byId.values()].sort(inOrder)
}

function nextState(earlier: Message, news: Message): MessageState {
  if (news.state === 'sending' && earlier.state === 'failed') return 'sending'
  // The host acknowledges the event first and refuses it then; what has a number was not refused.
  if (news.state === 'failed' && earlier.state === 'sent' && earlier.seq === null) return 'failed'
  return laterState(earlier.state, news.state)
}

function inOrder(a: Message, b: Message): number {
  if (a.seq !== null && b.seq !== null) return a.seq - b.seq
  if (a.seq === null && b.seq === null) return 0
  return a.seq === null ? 1 : -1
}

/** The highest sequence number below which one is missing, as the `before` of a HISTORY request; null without a hole. */
export function holeBefore(messages: readonly Message[]): number | null {
  const seqs = messages.flatMap(({ seq }) => (seq === null ? [] : [seq]))
  for (let i = seqs.length - 1; i > 0; i--) {
    const [lower = 0, upper = 0] = [seqs[i - 1], seqs[i]]
    if (upper - lower > 1) return upper
  }
  return null
}
