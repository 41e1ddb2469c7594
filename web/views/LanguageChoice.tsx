// The languages that the page speaks, each by its own name; or the one that the browser asks for.
import { useState } from 'preact/hooks'
import { changeLanguage, LANGUAGES, type Language, t } from '../language.ts'
import { keptLanguage } from '../settings.ts'

export function LanguageChoice() {
  const [failed, setFailed] = useState(false)
  const choose = (value: string): void => {
    changeLanguage(value === '' ? null : (value as Language)).then(
      () => setFailed(false),
      () => setFailed(true),
    )
  }
  return (
    <div class="setting">
      <label for="language">{t.settings.language}</label>
      <select
        id="language"
        value={keptLanguage() ?? ''}
        onChange={({ currentTarget: { value } }) => choose(value)}
      >
        <option value="">{t.settings.asBrowser}</option>
        {Object.entries(LANGUAGES).map(([tag, name]) => (
          <option key={tag} value={tag} lang={tag}>
            {name}
          </option>
        ))}
      </select>
      <p class="problem" aria-live="polite">
        {failed ? t.settings.languageFailed : ''}
      </p>
    </div>
  )
}
