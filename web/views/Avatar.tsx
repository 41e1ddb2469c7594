// The first letter on a calm colour, one for rooms, six for members; or the picture that a member bears.
import { TONES } from '../../shared/state.ts'
import { faceOf } from '../faces.ts'
import type { Member, Room } from '../model.ts'

export type Tone = number | 'room'

/** The colour that a member chose; else by their order, so that no two of the first six share one. */
export function toneOf(id: string, members: readonly Member[]): Tone {
  const place = members.findIndex((member) => member.id === id)
  const chosen = members[place]?.tone ?? 0
  if (chosen > 0) return chosen - 1
  if (place >= 0) return place % TONES
  let sum = 0
  for (const char of id) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) % 997
  return sum % TONES
}

/** `picture`: its id, while there is one. */
export function Avatar(props: { name: string; tone: Tone; picture?: string | undefined }) {
  const { name, tone, picture = '' } = props
  const face = faceOf(picture)
  return (
    <span class={`avatar tone-${tone}`} aria-hidden="true">
      {face === null ? ([...name][0]?.toUpperCase() ?? '·') : <img src={face} alt="" />}
    </span>
  )
}

/** `members`: those among whom it has its colour. */
export const Face = ({ member, members }: { member: Member; members: readonly Member[] }) => (
  <Avatar name={member.name} tone={toneOf(member.id, members)} picture={member.picture} />
)

/** Of the other one, in a direct conversation. */
export function pictureOf(
  room: Pick<Room, 'kind' | 'members'> | undefined,
  me: string | null,
  members: readonly Member[],
): string | undefined {
  if (room?.kind !== 'direct') return undefined
  return members.find(({ id }) => id !== me && room.members.includes(id))?.picture
}
