// How long the messages of a room stay (SPEC §7.10): beside its name, and in the log where somebody set it.
import { earlierEnd } from '../../shared/lifetime.ts'
import { t } from '../language.ts'
import { formatLife } from '../life.ts'
import type { AppState, Message, Room } from '../model.ts'
import { Clock } from './icons.tsx'

/** Nothing where messages stay for ever. */
export function Lasting({ room, keepMs }: { room: Room | undefined; keepMs: number }) {
  const lifeMs = earlierEnd(room?.lifeMs ?? 0, keepMs)
  if (lifeMs === 0) return null
  const span = formatLife(lifeMs)
  return (
    <span class="lasting" title={t.lifetime.here(span)}>
      <Clock label={t.lifetime.here(span)} />{' '}
      <span aria-hidden="true">
        {span}
        <span class="desktop"> · </span>
      </span>
    </span>
  )
}

/** In the place of a message: its author set this. */
export function LifetimeNotice(props: {
  readonly message: Message
  readonly members: AppState['members']
}) {
  const { author, mine, notice } = props.message
  if (notice === null) return null
  const name = props.members.find(({ id }) => id === author)?.name ?? t.common.someone
  return (
    <p class="note" data-id={props.message.id}>
      {noticeWords(notice.lifeMs, mine ? null : name)}
    </p>
  )
}

/** `name`: null for oneself. */
function noticeWords(lifeMs: number, name: string | null): string {
  if (lifeMs === 0) return name === null ? t.lifetime.endedByYou : t.lifetime.ended(name)
  const span = formatLife(lifeMs)
  return name === null ? t.lifetime.setByYou(span) : t.lifetime.set(name, span)
}
