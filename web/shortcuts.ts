// The keys of the page: one table for what they do and for the sheet that shows them ("Keyboard shortcuts").
// No key is a browser's or a screen reader's own; the one without a modifier can be switched off (WCAG 2.1.4).

/** What the page does, wherever the focus is. The rest of the table happens where it belongs: composer, log, dialogs. */
export type Command = 'find' | 'previous-room' | 'next-room' | 'help'

export interface Chord {
  /** as in KeyboardEvent.key */
  readonly key: string
  /** `main`: Ctrl, on a Mac Command */
  readonly modifier?: 'main' | 'alt' | 'shift'
}

export const SHORTCUTS = [
  { does: 'find', chords: [{ key: 'k', modifier: 'main' }] },
  { does: 'previous-room', chords: [{ key: 'ArrowUp', modifier: 'alt' }] },
  { does: 'next-room', chords: [{ key: 'ArrowDown', modifier: 'alt' }] },
  { does: 'send', chords: [{ key: 'Enter' }] },
  { does: 'new-line', chords: [{ key: 'Enter', modifier: 'shift' }] },
  { does: 'edit-last', chords: [{ key: 'ArrowUp' }] },
  { does: 'leave', chords: [{ key: 'Escape' }] },
  { does: 'help', chords: [{ key: '/', modifier: 'main' }, { key: '?' }] },
] as const satisfies readonly { readonly does: string; readonly chords: readonly Chord[] }[]

const COMMANDS: readonly string[] = ['find', 'previous-room', 'next-room', 'help']

type Pressed = Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>

interface Circumstances {
  readonly mac: boolean
  /** the focus is where letters are written */
  readonly writing: boolean
  /** the person lets single keys do something */
  readonly singleKeys: boolean
}

/** `?` needs Shift on some keyboards and Alt Gr on none: a key that is a sign may come with Shift. */
function isChord({ key, modifier }: Chord, pressed: Pressed, { mac }: Circumstances): boolean {
  const { ctrlKey, metaKey, altKey } = pressed
  if (pressed.key.toLowerCase() !== key.toLowerCase()) return false
  const [main, other] = mac ? [metaKey, ctrlKey] : [ctrlKey, metaKey]
  return !other && main === (modifier === 'main') && altKey === (modifier === 'alt')
}

export function commandOf(pressed: Pressed, circumstances: Circumstances): Command | null {
  const { writing, singleKeys } = circumstances
  for (const { does, chords } of SHORTCUTS) {
    if (!COMMANDS.includes(does)) continue
    for (const chord of chords as readonly Chord[]) {
      if (!isChord(chord, pressed, circumstances)) continue
      if (chord.modifier !== undefined || (singleKeys && !writing)) return does as Command
    }
  }
  return null
}
