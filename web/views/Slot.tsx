// The place of one message in the log: what stands before it, and its row. Drawn again only if something of it has
// changed, as a log has many.
import { Component } from 'preact'
import { t } from '../language.ts'
import type { Catalogue } from '../messages/catalogue.ts'
import type { Message } from '../model.ts'
import { LifetimeNotice } from './Lifetime.tsx'
import { Row, type RowProps } from './Row.tsx'
import { dayWords, isSameDay, isSameMinute } from './when.ts'

export interface SlotProps extends Omit<RowProps, 'opens'> {
  /** the one above it, if there is one */
  readonly before: Message | undefined
  /** as in AppState */
  readonly newAfter: number
  /** asks for a day, from this one on; unix ms */
  readonly onDay: (atMs: number) => void
  /** in use: in another language everything is drawn again */
  readonly words: Catalogue
}

export class Slot extends Component<SlotProps> {
  override shouldComponentUpdate(next: SlotProps): boolean {
    const names = Object.keys(next) as (keyof SlotProps)[]
    return names.some((name) => next[name] !== this.props[name])
  }

  override render({ before, newAfter, onDay, words: _, ...row }: SlotProps) {
    const { message } = row
    const isNewDay = before === undefined || !isSameDay(before.atMs, message.atMs)
    return (
      <div class="slot">
        {isNewDay && (
          <p class="day">
            <button type="button" onClick={() => onDay(message.atMs)}>
              {dayWords(message.atMs)}
            </button>
          </p>
        )}
        {isFirstNew(message, before, newAfter) && <p class="new-line">{t.log.newMessages}</p>}
        {message.notice === null ? (
          <Row {...row} opens={isNewDay || !isSameGroup(message, before)} />
        ) : (
          <LifetimeNotice message={message} members={row.people.members} />
        )}
      </div>
    )
  }
}

const isFirstNew = (
  { seq, mine }: Message,
  before: Message | undefined,
  newAfter: number,
): boolean =>
  newAfter > 0 && !mine && seq !== null && seq > newAfter && (before?.seq ?? 0) <= newAfter

const isSameGroup = (a: Message, b: Message): boolean =>
  a.author === b.author && b.notice === null && isSameMinute(a.atMs, b.atMs)
