// The first letter on a calm colour: one for rooms, six for members.
import { TONES } from '../../shared/state.ts'
import type { Member } from '../model.ts'

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

export function Avatar({ name, tone }: { name: string; tone: Tone }) {
  return (
    <span class={`avatar tone-${tone}`} aria-hidden="true">
      {[...name][0]?.toUpperCase() ?? '·'}
    </span>
  )
}
