// The sheet of the keys that work all over the page (shortcuts.ts).
import { useState } from 'preact/hooks'
import { t } from '../language.ts'
import { keepSingleKeys, keptSingleKeys } from '../settings.ts'
import { type Chord, SHORTCUTS } from '../shortcuts.ts'
import { Dialog } from './Dialog.tsx'
import { isMac } from './keys.ts'

function keyNames({ key, modifier }: Chord): string[] {
  const names: Record<string, string> = {
    ...{
      ArrowUp: '↑',
      ArrowDown: '↓',
      Enter: t.shortcuts.keys.enter,
      Escape: t.shortcuts.keys.escape,
    },
    ...{ alt: isMac() ? '⌥' : t.shortcuts.keys.alt, shift: t.shortcuts.keys.shift },
    main: isMac() ? '⌘' : t.shortcuts.keys.ctrl,
  }
  const own = names[key] ?? key.toUpperCase()
  return modifier === undefined ? [own] : [names[modifier] ?? '', own]
}

const Keys = ({ chord }: { chord: Chord }) => (
  <span class="keys" dir="ltr">
    {keyNames(chord).map((name) => (
      <kbd key={name}>{name}</kbd>
    ))}
  </span>
)

export function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  const [single, setSingle] = useState(keptSingleKeys())
  const choose = (on: boolean): void => {
    keepSingleKeys(on)
    setSingle(on)
  }
  return (
    <Dialog name={t.shortcuts.title} onClose={onClose}>
      <dl class="shortcuts">
        {SHORTCUTS.map(({ does, chords }) => (
          <>
            <dt>{t.shortcuts.does[does]}</dt>
            <dd>
              {chords.map((chord) => (
                <Keys key={chord.key} chord={chord} />
              ))}
            </dd>
          </>
        ))}
      </dl>
      <label class="choice">
        <input
          type="checkbox"
          checked={single}
          onChange={({ currentTarget: { checked } }) => choose(checked)}
        />
        {t.shortcuts.single}
      </label>
    </Dialog>
  )
}
