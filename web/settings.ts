// What a person chose for this browser: kept where the page can read it before it first paints.

/** `system`: as the device is set. */
export const THEMES = ['system', 'light', 'dark', 'contrast-light', 'contrast-dark'] as const
export type Theme = (typeof THEMES)[number]

const LANGUAGE = 'clawchat-language'
const THEME = 'clawchat-theme'
const SINGLE_KEYS = 'clawchat-single-keys'

/** Storage may be blocked: then a choice lasts as long as the page. */
const chosen = new Map<string, string | null>()

function keep(place: string, value: string | null): void {
  chosen.set(place, value)
  try {
    if (value === null) localStorage.removeItem(place)
    else localStorage.setItem(place, value)
  } catch {
    // It is in `chosen`.
  }
}

function kept(place: string): string | null {
  const here = chosen.get(place)
  if (here !== undefined) return here
  try {
    return localStorage.getItem(place)
  } catch {
    return null
  }
}

/** `null`: as the browser is set. */
export const keepLanguage = (language: string | null): void => keep(LANGUAGE, language)
export const keptLanguage = (): string | null => kept(LANGUAGE)

export const keepTheme = (theme: Theme): void => keep(THEME, theme === 'system' ? null : theme)
export const keptTheme = (): Theme => THEMES.find((theme) => theme === kept(THEME)) ?? 'system'

/** Whether a single key, without Ctrl or Alt, may do something. */
export const keepSingleKeys = (on: boolean): void => keep(SINGLE_KEYS, on ? null : 'off')
export const keptSingleKeys = (): boolean => kept(SINGLE_KEYS) !== 'off'
