// Keys that work all over the page, and the sheet that shows them (shortcuts.ts).
import { useEffect, useState } from 'preact/hooks'
import { t } from '../language.ts'
import { keepSingleKeys, keptSingleKeys } from '../settings.ts'
import { type Chord, type Command, commandOf, SHORTCUTS } from '../shortcuts.ts'
import { Dialog } from './dialogs.tsx'

const isMac = (): boolean => /mac|iphone|ipad/i.test(navigator.platform)

const WRITING = 'input:not([type="checkbox"], [type="radio"]), textarea, select, [contenteditable]'

/** While a dialog is open its own keys hold, and no others. */
export function useShortcuts(run: (command: Command) => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.isComposing) return
      if (document.querySelector('dialog[open]') !== null) return
      const writing = event.target instanceof Element && event.target.matches(WRITING)
      const command = commandOf(event, { mac: isMac(), writing, singleKeys: keptSingleKeys() })
      if (command === null) return
      event.preventDefault()
      run(command)
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  })
}

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
