// "Settings": what a person chooses for this browser, and what others learn of them.
import { useState } from 'preact/hooks'
import { t } from '../language.ts'
import { keptTheme, THEMES, type Theme } from '../settings.ts'
import { changeTheme } from '../theme.ts'
import type { ViewProps } from './App.tsx'
import { Dialog } from './Dialog.tsx'
import { LanguageChoice } from './LanguageChoice.tsx'
import { LockSettings } from './LockSettings.tsx'

interface SettingsProps extends ViewProps {
  readonly onClose: () => void
  readonly onShortcuts: () => void
}

export const SettingsDialog = (props: SettingsProps) => (
  <Dialog name={t.settings.title} onClose={props.onClose}>
    <LanguageChoice />
    <ThemeChoice />
    <Receipts {...props} />
    <LockSettings lock={props.engine.lock} />
    <button type="button" class="quiet" onClick={props.onShortcuts}>
      {t.shortcuts.title}
    </button>
  </Dialog>
)

function ThemeChoice() {
  const [theme, setTheme] = useState(keptTheme())
  const choose = (next: Theme): void => {
    changeTheme(next)
    setTheme(next)
  }
  return (
    <div class="setting">
      <label for="theme">{t.settings.theme}</label>
      <select
        id="theme"
        value={theme}
        onChange={({ currentTarget: { value } }) => choose(value as Theme)}
      >
        {THEMES.map((name) => (
          <option key={name} value={name}>
            {t.settings.themes[name]}
          </option>
        ))}
      </select>
    </div>
  )
}

const Receipts = ({ state, engine }: ViewProps) => (
  <label class="choice">
    <input
      type="checkbox"
      checked={state.receipts}
      onChange={({ currentTarget: { checked } }) => engine.talk.shareReceipts(checked)}
    />
    {t.settings.receipts}
  </label>
)
