// The conversation as a pure value: messages merged by id, in the order of display (SPEC §7).
import type { Message, MessageState } from './model.ts'

const RANK: Record<MessageState, number> = { sending: 0, failed: 1, sent: 2, delivered: 3, read: 4 }

/** A state never goes back, whatever order news comes in; only a retry leads from failed to sending. */
export const laterState = (a: MessageState, b: MessageState): MessageState =>
  RANK[a] >= RANK[b] ? a : b

/**
 * Stored messages by sequence number, then the unsent ones in the order they were written. `known` is in that order; one
 * pass over it, so that a long log costs no more than it must.
 */
export function mergeMessages(
  known: readonly Message[],
  news: readonly Message[],
): readonly Message[] {
  if (news.length === 0) return known
  const latest = new Map<string, Message | null>(news.map(({ id }) => [id, null]))
  for (const message of known) if (latest.has(message.id)) latest.set(message.id, message)
  for (const message of news) latest.set(message.id, later(latest.get(message.id), message))
  const staying: Message[] = []
  for (const message of known) {
    const now = latest.get(message.id)
    if (now == null) staying.push(message)
    else if (now.seq === message.seq) {
      staying.push(now)
      latest.delete(message.id)
    }
  }
  const coming = [...latest.values()].filter((message) => message !== null).sort(inOrder)
  return coming.length === 0 ? staying : interleave(staying, coming)
}

function later(earlier: Message | null | undefined, news: Message): Message {
  if (earlier == null) return news
  return {
    ...(news.change < earlier.change && !news.gone ? earlier : news),
    seq: news.seq ?? earlier.seq,
    state: nextState(earlier, news),
  }
}

/** Both in order; the result too. */
function interleave(staying: readonly Message[], coming: readonly Message[]): Message[] {
  const both: Message[] = []
  let i = 0
  for (const message of coming) {
    for (let next = staying[i]; next && inOrder(next, message) <= 0; next = staying[++i])
      both.push(next)
    both.push(message)
  }
  return both.concat(staying.slice(i))
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
  let upper: number | null = null
  for (let i = messages.length - 1; i >= 0; i--) {
    const seq = messages[i]?.seq ?? null
    if (seq === null) continue
    if (upper !== null && upper - seq > 1) return upper
    upper = seq
  }
  return null
}
