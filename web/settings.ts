// What a person chose for this browser: kept where the page can read it before it first paints.

/** `system`: as the device is set. */
export const THEMES = ['system', 'light', 'dark', 'contrast-light', 'contrast-dark'] as const
export type Theme = (typeof THEMES)[number]

const LANGUAGE = 'clawchat-language'
const THEME = 'clawchat-theme'
const SINGLE_KEYS = 'clawchat-single-keys'
const LOCK_AFTER = 'clawchat-lock-after'
const USED = 'clawchat-used'
export const NOTIFICATIONS = 'clawchat-notifications'

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

/** Minutes without use after which a page with a PIN locks itself; 0: never. */
export const LOCK_AFTER_MINUTES = [0, 1, 5, 15, 60] as const
const LOCK_AFTER_FIRST = 15

export const keepLockAfter = (minutes: number): void => keep(LOCK_AFTER, String(minutes))
export function keptLockAfter(): number {
  const minutes = kept(LOCK_AFTER)
  return LOCK_AFTER_MINUTES.find((each) => String(each) === minutes) ?? LOCK_AFTER_FIRST
}

/** When any tab of this page was used last, unix ms: read from the disk each time, since another tab may have noted it. */
export function keepUsed(nowMs: number): void {
  try {
    localStorage.setItem(USED, String(nowMs))
  } catch {
    // Storage is blocked: then each tab counts for itself.
  }
}
export function keptUsed(): number {
  try {
    return Number(localStorage.getItem(USED) ?? 0)
  } catch {
    return 0
  }
}

/** Which rooms are silent, among others. */
export function forgetNotifications(): void {
  keep(NOTIFICATIONS, null)
}
