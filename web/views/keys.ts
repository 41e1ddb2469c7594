// Keys that work all over the page (shortcuts.ts).
import { useLayoutEffect } from 'preact/hooks'
import { keptSingleKeys } from '../settings.ts'
import { type Command, commandOf } from '../shortcuts.ts'

export const isMac = (): boolean => /mac|iphone|ipad/i.test(navigator.platform)

const WRITING = 'input:not([type="checkbox"], [type="radio"]), textarea, select, [contenteditable]'

/** While a dialog is open its own keys hold, and no others. */
export function useShortcuts(run: (command: Command) => void): void {
  // Whoever sees the page can press its keys.
  useLayoutEffect(() => {
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
