// Light or dark, and how much contrast: as the device is set, or as the person chose. style.css holds the colours.
import { keepTheme, keptTheme, type Theme } from './settings.ts'

const high = matchMedia('(prefers-contrast: more)')

/** A choice of more contrast is one more than the device's, never one less. */
function apply(theme: Theme): void {
  const { dataset } = document.documentElement
  dataset.theme = theme
  dataset.contrast = theme.startsWith('contrast') || high.matches ? 'more' : 'normal'
  // The browser's own bars above the page, one entry for light and one for dark.
  const [light, dark] = document.querySelectorAll<HTMLMetaElement>('meta[name="theme-color"]')
  if (light === undefined || dark === undefined) return
  light.content = theme.endsWith('dark') ? DARK_BAR : LIGHT_BAR
  dark.content = theme.endsWith('light') ? LIGHT_BAR : DARK_BAR
}

const LIGHT_BAR = '#ffffff'
const DARK_BAR = '#1a1f24'

/** From now on: before anything is drawn. */
export function followTheme(): void {
  apply(keptTheme())
  high.addEventListener('change', () => apply(keptTheme()))
}

export function changeTheme(theme: Theme): void {
  keepTheme(theme)
  apply(theme)
}
